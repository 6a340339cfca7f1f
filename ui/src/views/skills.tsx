// Skills: which can be used, and what the others lack.
import { useState } from "preact/hooks";
import { agentName, type AgentRow } from "../chat/picker";
import { gateway, notify, words } from "../lib/state";
import { useCall } from "../lib/use";
import { Badge, Empty, Page, With } from "../parts/basic";

interface Needs {
  bins?: string[];
  anyBins?: string[];
  env?: string[];
  config?: string[];
  os?: string[];
}

export interface SkillRow {
  name: string;
  description?: string;
  source?: string;
  skillKey?: string;
  filePath?: string;
  emoji?: string;
  homepage?: string;
  disabled?: boolean;
  blockedByAllowlist?: boolean;
  eligible?: boolean;
  missing?: Needs;
  install?: { id: string; label: string }[];
}

const NEEDS: [keyof Needs, string][] = [
  ["bins", "Programs"],
  ["anyBins", "One of these programs"],
  ["env", "Environment"],
  ["config", "Settings"],
  ["os", "Systems"],
];

function State({ skill }: { skill: SkillRow }) {
  if (skill.disabled) return <Badge>switched off</Badge>;
  if (skill.blockedByAllowlist) return <Badge tone="warn">not on the list</Badge>;
  return skill.eligible ? <Badge tone="ok">ready</Badge> : <Badge tone="warn">something is missing</Badge>;
}

function SkillCard({ skill, onChange }: { skill: SkillRow; onChange?: () => void }) {
  const lacks = NEEDS.filter(([kind]) => skill.missing?.[kind]?.length);
  const turn = async (enabled: boolean) => {
    try {
      await gateway.call("skills.update", { skillKey: skill.skillKey ?? skill.name, enabled });
      notify(`${skill.name} is switched ${enabled ? "on" : "off"}`);
      onChange?.();
    } catch (failure) {
      notify(words(failure), "bad");
    }
  };
  return (
    <li class="card">
      <div class="card-head">
        <span aria-hidden="true">{skill.emoji}</span>
        <h3>{skill.name}</h3>
        <span class="push">
          <State skill={skill} />
        </span>
      </div>
      {skill.description && <p class="muted clamp">{skill.description}</p>}
      {lacks.length > 0 && (
        <dl class="facts lacks">
          {lacks.map(([kind, name]) => (
            <div key={kind}>
              <dt>{name}</dt>
              <dd>
                {skill.missing![kind]!.map((need) => (
                  <code key={need} class="need">
                    {need}
                  </code>
                ))}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <div class="row card-foot">
        <span class="muted">{(skill.source ?? "").replace(/^openclaw-/, "")}</span>
        {skill.homepage && /^https?:/.test(skill.homepage) && (
          <a href={skill.homepage} target="_blank" rel="noopener noreferrer">
            Homepage
          </a>
        )}
        {onChange && (
          <button type="button" class="button button-small push" onClick={() => void turn(!!skill.disabled)}>
            Switch {skill.disabled ? "on" : "off"}
            <span class="hidden-visually"> {skill.name}</span>
          </button>
        )}
      </div>
    </li>
  );
}

export function SkillList({ skills, onChange }: { skills: SkillRow[]; onChange?: () => void }) {
  if (skills.length === 0) return <Empty title="No skills are there">Skills are folders with a SKILL.md: in the workspace under skills/, or in the state directory.</Empty>;
  return (
    <ul class="cards">
      {skills.map((skill) => (
        <SkillCard key={skill.skillKey ?? skill.name} skill={skill} onChange={onChange} />
      ))}
    </ul>
  );
}

const FILTERS = { all: "All", ready: "Ready", lacking: "Something is missing", off: "Switched off" };
type Filter = keyof typeof FILTERS;

function matches(skill: SkillRow, filter: Filter): boolean {
  if (filter === "all") return true;
  if (filter === "off") return !!skill.disabled;
  return !skill.disabled && !!skill.eligible === (filter === "ready");
}

export function SkillsView() {
  const [agent, setAgent] = useState("");
  const [filter, setFilter] = useState<Filter>("all");
  const [search, setSearch] = useState("");
  const agents = useCall<{ agents: AgentRow[] }>("agents.list").data?.agents ?? [];
  const list = useCall<{ skills: SkillRow[]; workspaceDir?: string }>("skills.status", agent ? { agentId: agent } : {});
  const wanted = search.trim().toLowerCase();
  return (
    <Page title="Skills" lead="What agents can look up before they act. A skill is offered only when all that it needs is there.">
      <div class="row filters">
        <input type="search" class="input input-small" placeholder="Search" aria-label="Search skills" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <select class="input input-small" aria-label="State" value={filter} onChange={(event) => setFilter(event.currentTarget.value as Filter)}>
          {Object.entries(FILTERS).map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        {agents.length > 1 && (
          <select class="input input-small" aria-label="Agent" value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
            <option value="">Default agent</option>
            {agents.map((row) => (
              <option key={row.id} value={row.id}>
                {agentName(row, row.id)}
              </option>
            ))}
          </select>
        )}
      </div>
      <With of={list}>
        {(data) => {
          const all = data.skills ?? [];
          const found = all.filter((skill) => matches(skill, filter) && (!wanted || `${skill.name} ${skill.description ?? ""}`.toLowerCase().includes(wanted)));
          return all.length > 0 && found.length === 0 ? <Empty title="No skill fits" /> : (
            <>
              <h2 class="hidden-visually">Skills that fit</h2>
              <SkillList skills={found} onChange={list.reload} />
            </>
          );
        }}
      </With>
    </Page>
  );
}
