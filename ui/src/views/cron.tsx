// Cron: jobs, when they run next, how the last runs went.
import { useState } from "preact/hooks";
import { dateTime, duration, relative } from "../lib/format";
import { gateway, notify, words } from "../lib/state";
import { useCall, useNow } from "../lib/use";
import { Badge, Empty, Facts, Failure, Loading, Page, Section, With, type Tone } from "../parts/basic";
import { confirm } from "../parts/dialog";

interface Job {
  id: string;
  name?: string;
  description?: string;
  agentId?: string;
  enabled?: boolean;
  deleteAfterRun?: boolean;
  schedule?: { kind: string; at?: string; everyMs?: number; expr?: string; tz?: string };
  sessionTarget?: string;
  payload?: { kind: string; text?: string; message?: string; model?: string };
  delivery?: { mode?: string; channel?: string; to?: string };
  state?: { nextRunAtMs?: number; runningAtMs?: number; lastRunAtMs?: number; lastStatus?: string; lastError?: string; lastDurationMs?: number; consecutiveErrors?: number };
}

interface Entry {
  ts?: number;
  runAtMs?: number;
  status?: string;
  summary?: string;
  error?: string;
  durationMs?: number;
  provider?: string;
  model?: string;
}

function when(job: Job): string {
  const { schedule } = job;
  if (!schedule) return "never";
  if (schedule.kind === "at") return `once, ${dateTime(Date.parse(schedule.at ?? ""))}`;
  if (schedule.kind === "every") return `every ${duration(schedule.everyMs)}`;
  return `${schedule.expr}${schedule.tz ? ` (${schedule.tz})` : ""}`;
}

function toneOf(status: string | undefined): Tone {
  return status === "ok" ? "ok" : status === "error" ? "bad" : "plain";
}

function RunsOf({ id }: { id: string }) {
  const runs = useCall<{ entries: Entry[] }>("cron.runs", { id, limit: 20 }, { events: ["cron"] });
  if (runs.error) return <Failure text={runs.error} retry={runs.reload} />;
  if (!runs.data) return <Loading />;
  const entries = [...(runs.data.entries ?? [])].reverse();
  if (entries.length === 0) return <p class="muted">It has not run yet.</p>;
  return (
    <ul class="run-list">
      {entries.map((entry, at) => (
        <li key={at}>
          <Badge tone={toneOf(entry.status)}>{entry.status ?? "ran"}</Badge>
          <span class="muted nowrap">{dateTime(entry.runAtMs ?? entry.ts)}</span>
          <span class="muted nowrap">{duration(entry.durationMs)}</span>
          <span class="run-text">{entry.error ?? entry.summary ?? ""}</span>
        </li>
      ))}
    </ul>
  );
}

function JobCard({ job, now, onChange }: { job: Job; now: number; onChange: () => void }) {
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const name = job.name || job.id;
  const act = async (method: string, params: object, done: string) => {
    setBusy(true);
    try {
      const answer = await gateway.call(method, params, 600_000);
      if (answer?.ran === false) notify(`It did not run: ${answer.reason ?? "no reason given"}`, "bad");
      else notify(done);
    } catch (failure) {
      notify(words(failure), "bad");
    }
    setBusy(false);
    onChange();
  };
  const remove = async () => {
    if (await confirm("Delete this job?", `${name} does not run any more.`, "Delete")) await act("cron.remove", { id: job.id }, "The job is deleted");
  };
  const { state = {} } = job;
  return (
    <li class="card">
      <div class="card-head">
        <h3>{name}</h3>
        {state.runningAtMs ? <Badge tone="info">running</Badge> : job.enabled ? <Badge tone="ok">on</Badge> : <Badge>off</Badge>}
        {state.lastStatus && <Badge tone={toneOf(state.lastStatus)}>last run {state.lastStatus}</Badge>}
      </div>
      {job.description && <p class="muted">{job.description}</p>}
      <Facts
        rows={[
          ["When", <code>{when(job)}</code>],
          ["Next", job.enabled && state.nextRunAtMs ? `${relative(state.nextRunAtMs, now)} · ${dateTime(state.nextRunAtMs)}` : "not planned"],
          ["Last", state.lastRunAtMs ? `${relative(state.lastRunAtMs, now)}, took ${duration(state.lastDurationMs)}` : null],
          ["Agent", job.agentId],
          ["Says", job.payload?.message ?? job.payload?.text],
          ["Tells", job.delivery?.mode && job.delivery.mode !== "none" ? [job.delivery.mode, job.delivery.channel, job.delivery.to].filter(Boolean).join(" · ") : null],
        ]}
      />
      {state.lastError && <Failure text={state.lastError} />}
      <div class="row card-foot">
        <button type="button" class="button button-small" disabled={busy} onClick={() => void act("cron.run", { id: job.id, mode: "force" }, `${name} ran`)}>
          {busy ? "Running…" : "Run now"}
        </button>
        <button type="button" class="button button-small" disabled={busy} onClick={() => void act("cron.update", { id: job.id, patch: { enabled: !job.enabled } }, `${name} is switched ${job.enabled ? "off" : "on"}`)}>
          Switch {job.enabled ? "off" : "on"}
        </button>
        <button type="button" class="button button-small button-danger" onClick={() => void remove()}>
          Delete
        </button>
        <button type="button" class="button button-small push" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? "Hide its runs" : "Its runs"}
        </button>
      </div>
      {open && <RunsOf id={job.id} />}
    </li>
  );
}

export function CronView() {
  const status = useCall<{ enabled?: boolean; jobs?: number; nextWakeAtMs?: number | null }>("cron.status", {}, { events: ["cron"] });
  const list = useCall<{ jobs: Job[] }>("cron.list", { includeDisabled: true }, { events: ["cron"] });
  const now = useNow();
  const reload = () => {
    status.reload();
    list.reload();
  };
  const lead = !status.data ? "What agents do by the clock." : status.data.enabled === false ? "The scheduler is switched off in the configuration: nothing here runs." : status.data.nextWakeAtMs ? `The next job is due ${relative(status.data.nextWakeAtMs, now)}.` : "Nothing is due.";
  return (
    <Page title="Cron" lead={lead}>
      {status.error && <Failure text={status.error} retry={status.reload} />}
      <With of={list}>
        {(data) =>
          (data.jobs ?? []).length === 0 ? (
            <Empty title="No jobs">An agent makes one when it is asked to do something later or again and again; so does <code>openclaw cron add</code>.</Empty>
          ) : (
            <Section title="Jobs" note={`${data.jobs.length}`}>
              <ul class="cards cards-wide">
                {data.jobs.map((job) => (
                  <JobCard key={job.id} job={job} now={now} onChange={reload} />
                ))}
              </ul>
            </Section>
          )
        }
      </With>
    </Page>
  );
}
