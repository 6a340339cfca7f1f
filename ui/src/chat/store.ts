// What happens to the open conversation: it is loaded, events come in, the person sends and stops.
import type { CallError } from "../lib/gateway";
import { uuid } from "../lib/bytes";
import { gateway, hello, onStart, spoken, words } from "../lib/state";
import { session as tab } from "../lib/storage";
import { textOf, type ToolUse } from "./history";
import { busySessions, change, echoes, hasOlder, historyError, markBusy, messages, runs, sessionKey, settle, touch, working, type Attachment, type Echo } from "./model";

const HISTORY_FIRST = 120;
const HISTORY_MAX = 1000;
const RELOAD_MS = 250;
const SILENCE_MS = 12_000; // a run that is not heard of for so long is asked about

let limit = HISTORY_FIRST;
let reloadTimer = 0;
let asked = 0; // questions for the history
let answered = 0; // the newest that was answered

export function startChat(session: string): void {
  sessionKey.value = session || tab.get("openclaw.session") || "";
  onStart((link) => {
    link.on("hello", () => {
      openDefault();
      void refresh();
      resend();
    });
    link.on("gap", () => void refresh());
    link.on("chat", takeChat);
    link.on("agent", takeAgent);
  });
  setInterval(lookAfterRuns, SILENCE_MS / 2);
}

export function mainKey(): string {
  return hello.value?.snapshot?.sessionDefaults?.mainSessionKey ?? "agent:main:main";
}

function openDefault(): void {
  if (!sessionKey.value || sessionKey.value === "main") sessionKey.value = mainKey();
}

/** Another conversation. What was typed in this one stays with it (see composer). */
export function openSession(key: string): void {
  tab.set("openclaw.session", key);
  if (key === sessionKey.value) return;
  sessionKey.value = key;
  messages.value = null;
  historyError.value = "";
  hasOlder.value = false;
  echoes.value = [];
  runs.value = [];
  limit = HISTORY_FIRST;
  void refresh();
}

export function newSession(agentId: string): string {
  const key = `agent:${agentId}:web:${uuid().slice(0, 8)}`;
  openSession(key);
  return key;
}

// --- history and runs, from the gateway ----------------------------------------------------------------------------

async function refresh(): Promise<void> {
  await Promise.all([loadHistory(), loadRuns()]);
}

export async function loadHistory(): Promise<void> {
  clearTimeout(reloadTimer);
  const key = sessionKey.value;
  if (!key || !gateway?.hello) return;
  // Only what was over before the question can be on record in its answer.
  const mine = ++asked;
  const over = new Set(runs.value.filter((run) => run.over).map((run) => run.runId));
  try {
    const answer = await gateway.call("chat.history", { sessionKey: key, limit });
    if (key !== sessionKey.value || mine < answered) return;
    answered = mine;
    messages.value = answer.messages ?? [];
    hasOlder.value = messages.value!.length >= limit && limit < HISTORY_MAX;
    historyError.value = "";
    settle(over);
  } catch (error) {
    if (key === sessionKey.value && (error as CallError).code !== "OFFLINE") historyError.value = words(error);
  }
}

export async function loadOlder(): Promise<void> {
  limit = Math.min(HISTORY_MAX, limit * 3);
  await loadHistory();
}

function reloadSoon(): void {
  clearTimeout(reloadTimer);
  reloadTimer = window.setTimeout(() => void loadHistory(), RELOAD_MS);
}

/** Which runs of this session go on: after a reload or a lost connection nothing else would tell. */
async function loadRuns(): Promise<void> {
  const key = sessionKey.value;
  let rows: any[];
  try {
    rows = (await gateway.call("runs.list")).runs ?? [];
  } catch {
    return; // a gateway without this method: its events tell, later
  }
  if (key !== sessionKey.value) return;
  busySessions.value = new Set(rows.map((row) => row.sessionKey));
  const mine = rows.filter((row) => row.sessionKey === key);
  const running = mine.filter((row) => row.startedAtMs || row.state !== "waiting");
  for (const row of running) touch(row.runId, (run) => (run.startedAt = row.startedAtMs ?? run.startedAt));
  const alive = new Set(mine.map((row) => row.runId));
  const gone = runs.value.filter((run) => !run.over && !alive.has(run.runId) && Date.now() - run.startedAt > 2_000);
  if (gone.length) {
    for (const run of gone) touch(run.runId, (it) => (it.over = true));
    void loadHistory();
  }
  if (mine.length === 0) change((echo) => (echo.state === "queued" || echo.state === "running" ? "done" : echo.state));
}

function lookAfterRuns(): void {
  const before = Date.now() - SILENCE_MS;
  const silent = runs.value.some((run) => !run.over && run.heardAt < before) || echoes.value.some((echo) => (echo.state === "running" || echo.state === "queued") && echo.at < before);
  if (silent && gateway?.hello && !document.hidden) void refresh();
}

// --- events --------------------------------------------------------------------------------------------------------

function takeChat(event: any): void {
  markBusy(event?.sessionKey, event?.state === "delta");
  if (!event?.runId || event.sessionKey !== sessionKey.value) return;
  const text = textOf(event.message);
  if (event.state === "delta") {
    touch(event.runId, (run) => (run.text = text || run.text));
    return;
  }
  const known = runs.value.some((run) => run.runId === event.runId);
  const echo = echoes.value.find((other) => other.runId === event.runId);
  // A message that was queued ends at once and without words; its turn comes later, under another run.
  const queued = event.state === "final" && !event.message && !known && echo !== undefined && working();
  change((other) => (other.runId === event.runId ? (queued ? "queued" : "done") : other.state));
  if (known || text || event.state === "error") {
    touch(event.runId, (run) => {
      run.over = true;
      if (text) run.text = text;
      if (event.state === "error") run.error = event.errorMessage || "The run failed.";
      if (event.state === "aborted") run.stopped = event.stopReason === "timeout" ? "Stopped: it took too long" : "Stopped";
    });
  }
  announce(event.state, text, event.errorMessage);
  void loadHistory();
}

function announce(state: string, text: string, error: string | undefined): void {
  if (state === "final" && text) spoken.value = `Answer: ${text.slice(0, 300)}`;
  else if (state === "error") spoken.value = `The run failed: ${error ?? ""}`;
  else if (state === "aborted") spoken.value = "The run was stopped.";
}

function takeAgent(event: any): void {
  const { runId, stream, data } = event ?? {};
  if (stream === "lifecycle") markBusy(event.sessionKey, data?.phase === "start");
  if (!runId || event.sessionKey !== sessionKey.value) return;
  if (stream === "lifecycle" && data?.phase === "start") {
    touch(runId, (run) => (run.startedAt = data.startedAt ?? run.startedAt));
    // A run that this page did not start carries what was queued.
    const own = echoes.value.some((echo) => echo.runId === runId);
    change((echo) => (echo.runId === runId || (!own && echo.state === "queued") ? "running" : echo.state));
    reloadSoon();
  } else if (stream === "assistant" && runs.value.some((run) => run.runId === runId)) {
    touch(runId, (run) => (run.heardAt = Date.now()));
  } else if (stream === "tool") takeTool(runId, data);
  else if (stream === "compaction" && data?.phase === "end") reloadSoon();
}

function takeTool(runId: string, data: any): void {
  if (!data?.toolCallId) return;
  touch(runId, (run) => {
    const known = run.tools.find((tool) => tool.id === data.toolCallId);
    const tool: ToolUse = known ? { ...known } : { id: data.toolCallId, name: data.name ?? "tool", done: false };
    if (data.args !== undefined) tool.args = data.args;
    if (data.meta) tool.meta = data.meta;
    if (data.phase === "result") {
      tool.done = true;
      tool.isError = !!data.isError;
    }
    run.tools = known ? run.tools.map((other) => (other.id === tool.id ? tool : other)) : [...run.tools, tool];
  });
  if (data.phase === "result") reloadSoon();
}

// --- what the person does ------------------------------------------------------------------------------------------

export function send(text: string, attachments: Attachment[]): void {
  const list = messages.value ?? [];
  const echo: Echo = {
    runId: uuid(),
    text,
    attachments,
    at: Date.now(),
    after: list[list.length - 1]?.timestamp ?? 0,
    state: "sending",
  };
  echoes.value = [...echoes.value, echo];
  runs.value = runs.value.filter((run) => !run.over);
  void deliver(echo);
}

/** Sending twice is harmless: the key of the message is the same. */
async function deliver(echo: Echo): Promise<void> {
  const key = sessionKey.value;
  const others = working();
  const set = (edit: Partial<Echo>) => (echoes.value = echoes.value.map((other) => (other.runId === echo.runId ? { ...other, ...edit } : other)));
  set({ state: "sending", error: undefined });
  const params: any = { sessionKey: key, message: echo.text, idempotencyKey: echo.runId };
  if (echo.attachments.length) params.attachments = echo.attachments.map((file) => ({ type: "image", ...file }));
  try {
    const answer = await gateway.call("chat.send", params);
    if (key !== sessionKey.value) return;
    const now = echoes.value.find((other) => other.runId === echo.runId);
    if (now?.state === "sending") set({ state: answer?.status === "started" || answer?.status === "in_flight" ? (others ? "queued" : "running") : "done" });
    if (answer?.status === "ok" || answer?.aborted !== undefined) void loadHistory();
  } catch (error) {
    if ((error as CallError).code !== "OFFLINE") set({ state: "failed", error: words(error) });
  }
}

/** After a lost connection: what had no answer goes out again. */
function resend(): void {
  for (const echo of echoes.value) if (echo.state === "sending") void deliver(echo);
}

export function retry(runId: string): void {
  const echo = echoes.value.find((other) => other.runId === runId);
  if (echo) void deliver(echo);
}

export function discard(runId: string): void {
  echoes.value = echoes.value.filter((echo) => echo.runId !== runId);
}

let stopping = false;

/** One press stops one answer: what was queued behind it begins at once, and a second call would stop that. */
export async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  try {
    const answer = await gateway.call("chat.abort", { sessionKey: sessionKey.value });
    if (!answer?.aborted) await refresh();
  } catch (error) {
    historyError.value = words(error);
  } finally {
    stopping = false;
  }
}
