// One agent: its models, its workspace files to read and edit, its skills.
import { useEffect, useState } from "preact/hooks";
import { agentName, type AgentRow } from "../chat/picker";
import { bytes, relative } from "../lib/format";
import { gateway, notify, words } from "../lib/state";
import { useCall } from "../lib/use";
import { Empty, Failure, Loading, Page, Section, With } from "../parts/basic";
import { confirm } from "../parts/dialog";
import { Chain } from "./chain";
import { SkillList, type SkillRow } from "./skills";

interface FileRow {
  name: string;
  path?: string;
  missing?: boolean;
  size?: number;
  updatedAtMs?: number;
  content?: string;
}

function Editor({ agentId, name, onSaved, onDirty }: { agentId: string; name: string; onSaved: () => void; onDirty: (dirty: boolean) => void }) {
  const file = useCall<{ file: FileRow }>("agents.files.get", { agentId, name });
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const kept = file.data?.file?.content ?? "";
  const dirty = text !== null && text !== kept;
  useEffect(() => {
    setText(null);
    setError("");
  }, [agentId, name]);
  useEffect(() => onDirty(dirty), [dirty]);
  const save = async () => {
    setBusy(true);
    setError("");
    try {
      await gateway.call("agents.files.set", { agentId, name, content: text });
      notify(`${name} is saved`);
      file.set({ file: { ...(file.data?.file as FileRow), content: text!, missing: false } });
      onSaved();
    } catch (failure) {
      setError(words(failure));
    }
    setBusy(false);
  };
  if (file.error) return <Failure text={file.error} retry={file.reload} />;
  if (!file.data) return <Loading what={`Reading ${name}`} />;
  return (
    <div class="stack">
      {file.data.file?.missing && <p class="muted">This file is not there yet; saving makes it.</p>}
      <textarea class="input editor" aria-label={`Content of ${name}`} spellcheck={false} value={text ?? kept} onInput={(event) => setText(event.currentTarget.value)} />
      {error && <Failure text={error} />}
      <div class="row">
        <button type="button" class="button button-primary" disabled={!dirty || busy} onClick={save}>
          {busy ? "Saving…" : "Save"}
        </button>
        <button type="button" class="button" disabled={!dirty} onClick={() => setText(null)}>
          Undo changes
        </button>
        <span class="muted push">{bytes(new TextEncoder().encode(text ?? kept).length)}</span>
      </div>
    </div>
  );
}

function Files({ agentId }: { agentId: string }) {
  const list = useCall<{ workspace?: string; files: FileRow[] }>("agents.files.list", { agentId });
  const [chosen, setChosen] = useState("");
  const [dirty, setDirty] = useState(false);
  const open = async (name: string) => {
    if (name === chosen) return;
    if (dirty && !(await confirm("Leave this file?", `What you changed in ${chosen} is not saved.`, "Leave it"))) return;
    setChosen(name);
  };
  return (
    <Section title="Files" note={list.data?.workspace && <code>{list.data.workspace}</code>}>
      <With of={list}>
        {(data) =>
          (data.files ?? []).length === 0 ? (
            <Empty title="It has no files" />
          ) : (
            <div class="split">
              <ul class="pick-list" aria-label="Files of the agent">
                {data.files.map((file) => (
                  <li key={file.name}>
                    <button type="button" class="pick" aria-current={file.name === chosen ? "true" : undefined} onClick={() => void open(file.name)}>
                      <span class="pick-head">
                        <span class="pick-name">{file.name}</span>
                      </span>
                      <span class="pick-note muted">{file.missing ? "not there" : `${bytes(file.size)}${file.updatedAtMs ? ` · ${relative(file.updatedAtMs)}` : ""}`}</span>
                    </button>
                  </li>
                ))}
              </ul>
              {chosen ? <Editor key={chosen} agentId={agentId} name={chosen} onSaved={list.reload} onDirty={setDirty} /> : <Empty title="Choose a file">What stands in these files goes into every prompt of the agent.</Empty>}
            </div>
          )
        }
      </With>
    </Section>
  );
}

export function AgentDetail({ id, agent, config }: { id: string; agent?: AgentRow; config: any }) {
  const skills = useCall<{ skills: SkillRow[] }>("skills.status", { agentId: id });
  return (
    <Page
      title={agentName(agent, id)}
      lead={<code>{id}</code>}
      actions={
        <a class="button button-small" href="#/agents">
          All agents
        </a>
      }
    >
      {config && (
        <Section title="Models">
          <div class="card">
            <Chain config={config} id={id} />
          </div>
        </Section>
      )}
      <Files agentId={id} />
      <Section title="Skills" note={skills.data ? `${(skills.data.skills ?? []).filter((skill) => skill.eligible && !skill.disabled).length} of ${(skills.data.skills ?? []).length} ready` : undefined}>
        <With of={skills}>{(data) => <SkillList skills={data.skills ?? []} />}</With>
      </Section>
    </Page>
  );
}
