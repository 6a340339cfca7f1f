// One session: its last words, and what can be set for it.
import { useState } from "preact/hooks";
import { sessionName } from "../chat/picker";
import { gateway, notify, words } from "../lib/state";
import { useCall } from "../lib/use";
import { Facts, Failure, Field, With } from "../parts/basic";
import { Dialog } from "../parts/dialog";
import { cleanUserText } from "../chat/history";
import { count, dateTime } from "../lib/format";

export interface Row {
  key: string;
  kind?: string;
  label?: string;
  displayName?: string;
  derivedTitle?: string;
  channel?: string;
  updatedAt?: number | null;
  sessionId?: string;
  abortedLastRun?: boolean;
  thinkingLevel?: string;
  verboseLevel?: string;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  contextTokens?: number;
  modelProvider?: string;
  model?: string;
}

interface Preview {
  previews: { key: string; status: string; items: { role: string; text: string }[] }[];
}

const THINKING = ["off", "minimal", "low", "medium", "high"];
const ROLES: Record<string, string> = { user: "Person", assistant: "Agent", tool: "Tool", system: "Gateway" };

function Words({ sessionKey }: { sessionKey: string }) {
  const preview = useCall<Preview>("sessions.preview", { keys: [sessionKey], limit: 8, maxChars: 400 });
  return (
    <With of={preview}>
      {(data) => {
        const items = data.previews?.[0]?.items ?? [];
        if (items.length === 0) return <p class="muted">Nothing was said yet.</p>;
        return (
          <ul class="preview">
            {items.map((item, at) => (
              <li key={at}>
                <span class="preview-role muted">{ROLES[item.role] ?? item.role}</span>
                <span>{item.role === "user" ? cleanUserText(item.text) : item.text}</span>
              </li>
            ))}
          </ul>
        );
      }}
    </With>
  );
}

export function SessionEdit(props: { row: Row; onClose: () => void; onSaved: () => void; onOpen: () => void; onReset: () => void; onDelete: () => void }) {
  const { row } = props;
  const [label, setLabel] = useState(row.label ?? "");
  const [model, setModel] = useState("");
  const [thinking, setThinking] = useState(row.thinkingLevel ?? "");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const models = useCall<{ models: { id: string; provider: string }[] }>("models.list");

  const save = async (event: Event) => {
    event.preventDefault();
    const patch: any = { key: row.key };
    if (label.trim() !== (row.label ?? "")) patch.label = label.trim() || null;
    if (thinking !== (row.thinkingLevel ?? "")) patch.thinkingLevel = thinking || null;
    if (model.trim()) patch.model = model.trim() === "default" ? null : model.trim();
    if (Object.keys(patch).length === 1) return props.onClose();
    setBusy(true);
    setError("");
    try {
      await gateway.call("sessions.patch", patch);
      notify("The session is changed");
      props.onSaved();
      props.onClose();
    } catch (failure) {
      setError(words(failure));
    }
    setBusy(false);
  };

  return (
    <Dialog
      title={sessionName(row, row.key)}
      onClose={props.onClose}
      footer={
        <>
          <button type="button" class="button button-danger" onClick={props.onDelete}>
            Delete
          </button>
          <button type="button" class="button button-danger" onClick={props.onReset}>
            Reset
          </button>
          <button type="button" class="button push" onClick={props.onOpen}>
            Open the chat
          </button>
          <button type="submit" form="session-form" class="button button-primary" disabled={busy}>
            {busy ? "Saving…" : "Save"}
          </button>
        </>
      }
    >
      <Facts
        rows={[
          ["Key", <code>{row.key}</code>],
          ["Last used", dateTime(row.updatedAt)],
          ["Tokens", row.inputTokens != null && `${count(row.inputTokens)} in, ${count(row.outputTokens)} out in the last run`],
        ]}
      />
      <form id="session-form" class="stack" onSubmit={save}>
        <Field label="Label">
          <input class="input" value={label} maxLength={64} onInput={(event) => setLabel(event.currentTarget.value)} />
        </Field>
        <Field label="Model" hint={`Now ${[row.modelProvider, row.model].filter(Boolean).join("/") || "the agent's own"}. Leave empty to keep it; write “default” to go back to the agent's own.`}>
          <input class="input" list="known-models" value={model} placeholder="provider/model" onInput={(event) => setModel(event.currentTarget.value)} />
          <datalist id="known-models">
            {(models.data?.models ?? []).slice(0, 400).map((known) => (
              <option key={`${known.provider}/${known.id}`} value={`${known.provider}/${known.id}`} />
            ))}
          </datalist>
        </Field>
        <Field label="Thinking">
          <select class="input" value={thinking} onChange={(event) => setThinking(event.currentTarget.value)}>
            <option value="">as the agent</option>
            {THINKING.map((level) => (
              <option key={level} value={level}>
                {level}
              </option>
            ))}
          </select>
        </Field>
        {error && <Failure text={error} />}
      </form>
      <h3>Last words</h3>
      <Words sessionKey={row.key} />
    </Dialog>
  );
}
