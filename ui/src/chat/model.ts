// The open conversation as values: its history, the runs that go on in it, and what was sent but is not on record yet.
import { signal } from "@preact/signals";
import { cleanUserText, textOf, type RawMessage, type ToolUse } from "./history";

export interface Attachment {
  mimeType: string;
  fileName: string;
  content: string; // base64
}

/** Words of the person that the history does not have yet. */
export interface Echo {
  runId: string;
  text: string;
  attachments: Attachment[];
  at: number;
  after: number; // timestamp of the last message on record when it was sent
  state: "sending" | "queued" | "running" | "done" | "failed";
  error?: string;
}

/** A run in progress, or one whose end is not on record yet. */
export interface Run {
  runId: string;
  text: string;
  tools: ToolUse[];
  startedAt: number;
  heardAt: number;
  over: boolean;
  error?: string;
  stopped?: string;
}

export const sessionKey = signal("");
export const messages = signal<RawMessage[] | null>(null);
export const historyError = signal("");
export const hasOlder = signal(false);
export const echoes = signal<Echo[]>([]);
export const runs = signal<Run[]>([]);
/** Keys of all sessions that are at work, as far as events told. */
export const busySessions = signal<ReadonlySet<string>>(new Set());

/** Change a run, or begin one. */
export function touch(runId: string, edit: (run: Run) => void): void {
  const known = runs.value.find((run) => run.runId === runId);
  const run: Run = known ? { ...known } : { runId, text: "", tools: [], startedAt: Date.now(), heardAt: 0, over: false };
  run.heardAt = Date.now();
  edit(run);
  runs.value = known ? runs.value.map((other) => (other.runId === runId ? run : other)) : [...runs.value, run];
}

export function change(state: (echo: Echo) => Echo["state"]): void {
  echoes.value = echoes.value.map((echo) => ({ ...echo, state: state(echo) }));
}

export function markBusy(key: string | undefined, busy: boolean): void {
  if (!key || busySessions.value.has(key) === busy) return;
  const next = new Set(busySessions.value);
  if (busy) next.add(key);
  else next.delete(key);
  busySessions.value = next;
}

export function working(): boolean {
  return runs.value.some((run) => !run.over) || echoes.value.some((echo) => echo.state === "running");
}

/** Drop what the history has by now. `over`: runs that were over before it was asked for. */
export function settle(over: Set<string>): void {
  const list = messages.value ?? [];
  runs.value = runs.value.filter((run) => !over.has(run.runId) || (run.error && !list.some((m) => m.stopReason === "error" && (m.timestamp ?? 0) >= run.startedAt - 2_000)));
  const taken = new Set<RawMessage>();
  echoes.value = echoes.value.filter((echo) => {
    const text = echo.text.trim();
    const found = list.find((message) => {
      if (message.role !== "user" || (message.timestamp ?? 0) <= echo.after) return false;
      const said = cleanUserText(textOf(message)).trim();
      if (said === text) return !taken.has(message);
      return text !== "" && said.includes(text);
    });
    if (found) taken.add(found);
    return !found;
  });
}
