// Agents: who they are, which models they try, whom they may spawn, and what runs now.
import { useMemo, useState } from "preact/hooks";
import { agentName, type AgentRow } from "../chat/picker";
import { newSession, openSession } from "../chat/store";
import { allowedOf, agentConfig } from "../lib/models";
import { go, route } from "../lib/state";
import { useCall } from "../lib/use";
import { Badge, Empty, Failure, Page, Section, With } from "../parts/basic";
import { Icon } from "../parts/icon";
import { AgentDetail } from "./agent_detail";
import { Runs } from "./agent_runs";
import { Chain } from "./chain";

interface AgentsList {
  defaultId?: string;
  mainKey?: string;
  agents: AgentRow[];
}

function Allowed({ config, id, agents }: { config: any; id: string; agents: AgentRow[] }) {
  const allowed = allowedOf(config, id);
  if (allowed.length === 0) return <span class="muted">itself only</span>;
  if (allowed.includes("*")) return <span>every agent</span>;
  return (
    <span class="row">
      {allowed.map((other) => (
        <Badge key={other} tone={agents.some((agent) => agent.id === other) ? "plain" : "warn"} title={agents.some((agent) => agent.id === other) ? undefined : "no agent has this id"}>
          {other}
        </Badge>
      ))}
    </span>
  );
}

function AgentCard(props: { agent: AgentRow; isDefault: boolean; config: any; agents: AgentRow[]; mainKey: string }) {
  const { agent, config } = props;
  const own = agentConfig(config, agent.id);
  const skills = own.skills ?? config?.agents?.defaults?.skills;
  return (
    <li class="card agent-card">
      <div class="card-head">
        <span class="avatar" aria-hidden="true">
          {agent.identity?.emoji || agentName(agent, agent.id).slice(0, 1).toUpperCase()}
        </span>
        <div>
          <h3>{agentName(agent, agent.id)}</h3>
          <code class="muted">{agent.id}</code>
        </div>
        {props.isDefault && (
          <span class="push">
            <Badge tone="info">default</Badge>
          </span>
        )}
      </div>
      {config && (
        <>
          <Chain config={config} id={agent.id} />
          <dl class="facts">
            <div>
              <dt>May spawn</dt>
              <dd>
                <Allowed config={config} id={agent.id} agents={props.agents} />
              </dd>
            </div>
            <div>
              <dt>Skills</dt>
              <dd>{Array.isArray(skills) ? skills.join(", ") || "none" : "all that are eligible"}</dd>
            </div>
          </dl>
        </>
      )}
      <div class="row card-foot">
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            openSession(`agent:${agent.id}:${props.mainKey}`);
            go("chat");
          }}
        >
          <Icon name="chat" size={16} />
          Chat
        </button>
        <button
          type="button"
          class="button button-small"
          onClick={() => {
            newSession(agent.id);
            go("chat");
          }}
        >
          <Icon name="plus" size={16} />
          New conversation
        </button>
        <a class="button button-small" href={`#/agents/${encodeURIComponent(agent.id)}`}>
          Files and skills
        </a>
      </div>
    </li>
  );
}

export function AgentsView() {
  const list = useCall<AgentsList>("agents.list");
  const config = useCall("config.get");
  const [search, setSearch] = useState("");
  const chosen = route.value.rest;
  const agents = list.data?.agents ?? [];
  const found = useMemo(() => {
    const wanted = search.trim().toLowerCase();
    return agents.filter((agent) => !wanted || `${agent.id} ${agentName(agent, agent.id)}`.toLowerCase().includes(wanted));
  }, [agents, search]);
  if (chosen) {
    const agent = agents.find((row) => row.id === chosen);
    return <AgentDetail id={chosen} agent={agent} config={config.data?.config} />;
  }
  return (
    <Page title="Agents" lead="Who answers, with which models, and who is at work right now.">
      <Runs agents={agents} />
      <Section
        title="All agents"
        note={list.data ? `${agents.length}` : undefined}
        actions={agents.length > 6 && <input type="search" class="input input-small" placeholder="Search" aria-label="Search agents" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />}
      >
        {config.error && <Failure text={`The configuration cannot be read, so models are not shown: ${config.error}`} retry={config.reload} />}
        <With of={list}>
          {() =>
            found.length === 0 ? (
              <Empty title={agents.length ? "No agent has this name" : "No agents are configured"} />
            ) : (
              <ul class="cards">
                {found.map((agent) => (
                  <AgentCard key={agent.id} agent={agent} isDefault={agent.id === list.data?.defaultId} config={config.data?.config} agents={agents} mainKey={list.data?.mainKey ?? "main"} />
                ))}
              </ul>
            )
          }
        </With>
      </Section>
    </Page>
  );
}
