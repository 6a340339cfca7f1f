// The configuration file: read, edit, check, see what changes, save or apply.
import { useState } from "preact/hooks";
import { CallError } from "../lib/gateway";
import { diffLines, hunks } from "../lib/diff";
import { gateway, notify, words } from "../lib/state";
import { useCall } from "../lib/use";
import { Badge, CopyButton, Failure, Note, Page, With } from "../parts/basic";
import { confirm, Dialog } from "../parts/dialog";
import { CodeEdit } from "./config_edit";

interface Issue {
  path?: string;
  message: string;
  line?: number;
}

interface ConfigFile {
  path?: string;
  exists?: boolean;
  raw?: string | null;
  valid?: boolean;
  hash?: string;
  issues?: Issue[];
  warnings?: Issue[];
}

interface Verdict {
  valid: boolean;
  issues: Issue[];
  warnings: Issue[];
}

function Issues({ issues, tone, onGo }: { issues: Issue[]; tone: "bad" | "warn"; onGo: (line: number) => void }) {
  if (issues.length === 0) return null;
  return (
    <div class={`note note-${tone}`}>
      <ul class="issues">
        {issues.map((issue, at) => (
          <li key={at}>
            {issue.line ? (
              <button type="button" class="link-button" onClick={() => onGo(issue.line!)}>
                line {issue.line}
              </button>
            ) : null}{" "}
            {issue.path && <code>{issue.path}</code>} {issue.message}
          </li>
        ))}
      </ul>
    </div>
  );
}

function DiffTable({ before, after }: { before: string; after: string }) {
  const lines = hunks(diffLines(before, after));
  const signs = { same: " ", out: "−", in: "+" };
  const names = { same: "", out: "removed", in: "added" };
  return (
    <div class="diff" role="region" aria-label="What changes" tabIndex={0}>
      <table>
        <tbody>
          {lines.map((line, at) =>
            line ? (
              <tr key={at} class={`diff-${line.kind}`}>
                <td class="diff-number">{line.before ?? ""}</td>
                <td class="diff-number">{line.after ?? ""}</td>
                <td class="diff-sign">
                  <span aria-hidden="true">{signs[line.kind]}</span>
                  <span class="hidden-visually">{names[line.kind]}</span>
                </td>
                <td class="diff-text">{line.text || " "}</td>
              </tr>
            ) : (
              <tr key={at} class="diff-gap">
                <td colSpan={4}>⋯</td>
              </tr>
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}

/** A refusal in words that say what to do. */
function explain(error: unknown): string {
  const text = words(error);
  if (/read-only|readonly|EROFS/i.test(text)) return `${text}. The gateway cannot write its own configuration: change it where it comes from (the ConfigMap, the mounted file), and it is loaded again by itself.`;
  if (/changed since last load/.test(text)) return "The file was changed by someone else since it was loaded here. Load it again; what you typed stays until you do.";
  return text;
}

export function ConfigView() {
  const file = useCall<ConfigFile>("config.get");
  const [draft, setDraft] = useState<string | null>(null);
  const [base, setBase] = useState("");
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState("");
  const [review, setReview] = useState(false);
  const [line, setLine] = useState({ line: 0, at: 0 });
  const kept = file.data?.raw ?? "";
  const text = draft ?? kept;
  const dirty = draft !== null && draft !== kept;
  const outdated = dirty && base !== "" && base !== (file.data?.hash ?? "");

  const edit = (next: string) => {
    if (draft === null) setBase(file.data?.hash ?? "");
    setDraft(next);
    setVerdict(null);
  };

  const doing = async (what: string, work: () => Promise<void>) => {
    setBusy(what);
    setError("");
    try {
      await work();
    } catch (failure) {
      const issues = failure instanceof CallError ? failure.details?.issues : undefined;
      if (Array.isArray(issues)) setVerdict({ valid: false, issues, warnings: [] });
      setError(explain(failure));
    }
    setBusy("");
  };

  const validate = () =>
    doing("validate", async () => {
      const answer = await gateway.call("config.validate", { raw: text });
      setVerdict({ valid: !!answer.valid, issues: answer.issues ?? [], warnings: answer.warnings ?? [] });
    });

  const write = (method: "config.set" | "config.apply") =>
    doing(method, async () => {
      setReview(false);
      await gateway.call(method, { raw: text, baseHash: base || file.data?.hash });
      notify(method === "config.set" ? "The configuration is saved" : "The configuration is saved and applied");
      setDraft(null);
      setVerdict(null);
      file.reload();
    });

  const reload = async () => {
    if (dirty && !(await confirm("Load the file again?", "What you changed here is lost.", "Load it"))) return;
    setDraft(null);
    setVerdict(null);
    setError("");
    file.reload();
  };

  const goTo = (to: number) => setLine({ line: to, at: Date.now() });
  return (
    <Page
      title="Config"
      wide
      lead={file.data?.path && <code>{file.data.path}</code>}
      actions={
        <button type="button" class="button button-small" onClick={() => void reload()}>
          Load again
        </button>
      }
    >
      <With of={file}>
        {(data) => (
          <div class="stack">
            {data.exists === false && <Note>There is no file yet: the gateway runs on defaults and the environment. Saving makes it.</Note>}
            {!dirty && <Issues issues={data.issues ?? []} tone="bad" onGo={goTo} />}
            {!dirty && <Issues issues={data.warnings ?? []} tone="warn" onGo={goTo} />}
            {outdated && <Note tone="warn">The file has changed since you began to edit. Saving is refused until you load it again.</Note>}
            <CodeEdit text={text} label="Configuration, JSON5" onInput={edit} goTo={line} bad={(verdict?.issues ?? []).map((issue) => issue.line ?? 0)} />
            <div role="status">
              {verdict?.valid && verdict.issues.length === 0 && <Note tone="ok">It is valid{verdict.warnings.length ? ", with warnings" : ""}.</Note>}
              {verdict && !verdict.valid && verdict.issues.length === 0 && <Note tone="bad">It is not valid.</Note>}
            </div>
            {verdict && <Issues issues={verdict.issues} tone="bad" onGo={goTo} />}
            {verdict && <Issues issues={verdict.warnings} tone="warn" onGo={goTo} />}
            {error && <Failure text={error} />}
            <div class="row">
              <button type="button" class="button button-primary" disabled={!dirty || busy !== ""} onClick={() => setReview(true)}>
                Review and save…
              </button>
              <button type="button" class="button" disabled={busy !== ""} onClick={() => void validate()}>
                {busy === "validate" ? "Checking…" : "Validate"}
              </button>
              <button type="button" class="button" disabled={!dirty} onClick={() => setDraft(null)}>
                Undo changes
              </button>
              {dirty && <Badge tone="warn">not saved</Badge>}
              <span class="push">
                <CopyButton text={text} />
              </span>
            </div>
            <p class="muted">Secrets are shown as __OPENCLAW_REDACTED__; left as they are, they stay what they were.</p>
          </div>
        )}
      </With>
      {review && (
        <Dialog
          title="What changes"
          class="dialog-wide"
          onClose={() => setReview(false)}
          footer={
            <>
              <button type="button" class="button" onClick={() => setReview(false)}>
                Go on editing
              </button>
              <button type="button" class="button" onClick={() => void write("config.set")}>
                Save
              </button>
              <button type="button" class="button button-primary" onClick={() => void write("config.apply")}>
                Save and apply
              </button>
            </>
          }
        >
          <DiffTable before={kept} after={text} />
          <p class="muted">Saved, it is used as soon as the gateway sees the file. Applied, the gateway also restarts what needs it.</p>
        </Dialog>
      )}
    </Page>
  );
}
