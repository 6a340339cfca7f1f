// The way of a turn, drawn to scale: stored, waiting for its lane, prompt, the first byte of the model, the answer, tools.
// Times are ms since the turn was accepted; one that is not there has not been reached.
import { useState } from "preact/hooks";
import { duration, restOf, agentOf, clock } from "../lib/format";
import { Badge } from "../parts/basic";

interface Candidate {
  ref: string;
  startedMs?: number;
  endedMs?: number;
  failure?: string | null;
}

export interface TurnRow {
  turn: number | string;
  runId?: string;
  sessionKey?: string;
  acceptedAtMs?: number;
  storedMs?: number | null;
  grantedMs?: number | null;
  promptMs?: number | null;
  firstByteMs?: number | null;
  modelDoneMs?: number | null;
  toolsMs?: number | null;
  finishedMs?: number | null;
  candidates?: Candidate[];
}

const STEPS: [keyof TurnRow, string, string][] = [
  ["storedMs", "Stored", "store"],
  ["grantedMs", "Waiting", "wait"],
  ["promptMs", "Prompt", "prompt"],
  ["firstByteMs", "First byte", "first"],
  ["modelDoneMs", "Answer", "answer"],
  ["toolsMs", "Tools", "tools"],
  ["finishedMs", "Rest", "rest"],
];

interface Span {
  name: string;
  kind: string;
  from: number;
  to: number;
}

function spansOf(turn: TurnRow, end: number): Span[] {
  const spans: Span[] = [];
  let from = 0;
  for (const [field, name, kind] of STEPS) {
    const to = turn[field];
    if (typeof to !== "number" || to < from) continue;
    if (to > from) spans.push({ name, kind, from, to });
    from = to;
  }
  if (typeof turn.finishedMs !== "number" && end > from) spans.push({ name: "Goes on", kind: "open", from, to: end });
  return spans;
}

/** How long it took; of one that goes on, how long it takes by now. */
function endOf(turn: TurnRow, now: number): number {
  const times = [...STEPS.map(([field]) => turn[field]), ...(turn.candidates ?? []).flatMap((one) => [one.startedMs, one.endedMs])];
  if (typeof turn.finishedMs !== "number" && turn.acceptedAtMs) times.push(now - turn.acceptedAtMs);
  return Math.max(1, ...times.filter((ms): ms is number => typeof ms === "number"));
}

function Track({ spans, scale }: { spans: Span[]; scale: number }) {
  return (
    <div class="track" aria-hidden="true">
      {spans.map((span) => (
        <div key={span.kind + span.from} class={`span span-${span.kind}`} title={`${span.name}: ${duration(span.to - span.from)}`} style={{ left: `${(span.from / scale) * 100}%`, width: `${((span.to - span.from) / scale) * 100}%` }} />
      ))}
    </div>
  );
}

function Details({ turn, scale }: { turn: TurnRow; scale: number }) {
  const spans = spansOf(turn, scale);
  return (
    <div class="waterfall-more">
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" class="number">
              from
            </th>
            <th scope="col" class="number">
              took
            </th>
          </tr>
        </thead>
        <tbody>
          {spans.map((span) => (
            <tr key={span.kind}>
              <th scope="row">
                <span class={`swatch span-${span.kind}`} aria-hidden="true" />
                {span.name}
              </th>
              <td class="number">{duration(span.from)}</td>
              <td class="number">{duration(span.to - span.from)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {(turn.candidates ?? []).map((one, at) => {
        const from = one.startedMs ?? 0;
        const to = one.endedMs ?? scale;
        return (
          <div key={at} class="candidate">
            <span class="candidate-name">
              <code>{one.ref}</code>
              {one.failure ? <Badge tone="bad">{one.failure}</Badge> : one.endedMs === undefined || one.endedMs === null ? <Badge tone="info">asking</Badge> : <Badge tone="ok">answered</Badge>}
              <span class="muted numbers push">{one.endedMs != null ? duration(to - from) : ""}</span>
            </span>
            <Track spans={[{ name: one.ref, kind: one.failure ? "failed" : "answer", from, to }]} scale={scale} />
          </div>
        );
      })}
    </div>
  );
}

export function Waterfall({ turns, now }: { turns: TurnRow[]; now: number }) {
  const [open, setOpen] = useState<number | string | null>(null);
  return (
    <div class="card waterfall">
      <ul class="legend" aria-label="Colours">
        {STEPS.map(([, name, kind]) => (
          <li key={kind}>
            <span class={`swatch span-${kind}`} aria-hidden="true" />
            {name}
          </li>
        ))}
      </ul>
      <ul class="waterfall-list">
        {turns.map((turn) => {
          const scale = endOf(turn, now);
          const done = typeof turn.finishedMs === "number";
          const spans = spansOf(turn, scale);
          return (
            <li key={turn.turn}>
              <button type="button" class="waterfall-row" aria-expanded={open === turn.turn} onClick={() => setOpen(open === turn.turn ? null : turn.turn)}>
                <span class="waterfall-name">
                  <strong>{agentOf(turn.sessionKey) || "turn"}</strong>
                  <span class="muted">
                    {restOf(turn.sessionKey ?? "")} {turn.acceptedAtMs ? `· ${clock(turn.acceptedAtMs, true)}` : ""}
                  </span>
                </span>
                <Track spans={spans} scale={scale} />
                <span class="waterfall-time numbers">{done ? duration(scale) : <Badge tone="info">goes on</Badge>}</span>
                <span class="hidden-visually">{spans.map((span) => `${span.name} ${duration(span.to - span.from)}`).join(", ")}</span>
              </button>
              {open === turn.turn && <Details turn={turn} scale={scale} />}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
