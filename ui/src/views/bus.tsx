// The bus: actors and their mailboxes, message rates, providers, and where the time of recent turns went.
import { count, duration, relative } from "../lib/format";
import { useCall } from "../lib/use";
import { Badge, Empty, Page, Section, Table, With, type Tone } from "../parts/basic";
import { Waterfall, type TurnRow } from "./waterfall";

interface Actor {
  name: string;
  kind?: string;
  state?: string;
  restarts?: number;
  queued?: number;
  received?: number;
  sent?: number;
  perSecond?: number;
}

interface Provider {
  id: string;
  inFlight?: number;
  coolingUntilMs?: number;
  errors?: number;
  lastFailure?: string;
}

interface BusStatus {
  ts?: number;
  uptimeMs?: number;
  forwarded?: number;
  forwardedPerSecond?: number;
  deadLetters?: number;
  malformed?: number;
  mailboxes?: number;
  actors?: Actor[];
  providers?: Provider[];
  turns?: TurnRow[];
}

function rate(value: number | undefined): string {
  if (value === undefined) return "–";
  return value >= 100 ? Math.round(value).toLocaleString() : value.toFixed(1);
}

function Figure({ name, value, tone }: { name: string; value: string; tone?: Tone }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={tone === "bad" ? "bad-text" : undefined}>{value}</dd>
    </div>
  );
}

function stateTone(state: string | undefined): Tone {
  if (!state || /run|ready|idle|up|ok/.test(state)) return "ok";
  return /down|dead|fail|stopped/.test(state) ? "bad" : "warn";
}

function Actors({ actors }: { actors: Actor[] }) {
  const busiest = Math.max(1, ...actors.map((actor) => actor.perSecond ?? 0));
  return (
    <Table label="Actors" head={["Actor", "Kind", "State", "Waiting", "Received", "Sent", "Per second", "Restarts"]}>
      {actors.map((actor) => (
        <tr key={actor.name}>
          <th scope="row">
            <code>{actor.name}</code>
          </th>
          <td>{actor.kind ?? "–"}</td>
          <td>
            <Badge tone={stateTone(actor.state)}>{actor.state ?? "running"}</Badge>
          </td>
          <td class="number">{actor.queued ?? "–"}</td>
          <td class="number">{count(actor.received)}</td>
          <td class="number">{count(actor.sent)}</td>
          <td>
            <span class="rate">
              <span class="rate-bar" style={{ width: `${((actor.perSecond ?? 0) / busiest) * 4}rem` }} aria-hidden="true" />
              <span class="numbers">{rate(actor.perSecond)}</span>
            </span>
          </td>
          <td class="number">{actor.restarts ? <Badge tone="warn">{actor.restarts}</Badge> : "0"}</td>
        </tr>
      ))}
    </Table>
  );
}

function Providers({ providers, now }: { providers: Provider[]; now: number }) {
  if (providers.length === 0) return <Empty title="No provider has been used yet" />;
  return (
    <Table label="Providers" head={["Provider", "State", "In flight", "Errors", "Last failure"]}>
      {providers.map((provider) => (
        <tr key={provider.id}>
          <th scope="row">
            <code>{provider.id}</code>
          </th>
          <td>{provider.coolingUntilMs && provider.coolingUntilMs > now ? <Badge tone="warn">cools down, {relative(provider.coolingUntilMs, now)}</Badge> : <Badge tone="ok">ready</Badge>}</td>
          <td class="number">{provider.inFlight ?? 0}</td>
          <td class="number">{count(provider.errors ?? 0)}</td>
          <td>{provider.lastFailure ?? "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

export function BusView() {
  const status = useCall<BusStatus>("bus.status", {}, { everyMs: 2_000 });
  return (
    <Page title="Bus" wide lead="Everything that acts is a thread with a mailbox; this is what passes between them, and where the time of a turn goes.">
      <With of={status}>
        {(data) => (
          <>
            <dl class="figures">
              <Figure name="Messages a second" value={rate(data.forwardedPerSecond)} />
              <Figure name="Messages forwarded" value={count(data.forwarded)} />
              <Figure name="Mailboxes" value={count(data.mailboxes)} />
              <Figure name="Dead letters" value={count(data.deadLetters)} tone={data.deadLetters ? "bad" : undefined} />
              <Figure name="Malformed" value={count(data.malformed)} tone={data.malformed ? "bad" : undefined} />
              <Figure name="Up for" value={duration(data.uptimeMs)} />
            </dl>
            <Section title="Recent turns" note="where the time went">
              {(data.turns ?? []).length === 0 ? <Empty title="No turn yet">Send a message; its way through the gateway is drawn here.</Empty> : <Waterfall turns={data.turns!} now={data.ts ?? Date.now()} />}
            </Section>
            <Section title="Actors" note={`${data.actors?.length ?? 0}`}>
              {(data.actors ?? []).length === 0 ? <Empty title="No actor is listed" /> : <Actors actors={data.actors!} />}
            </Section>
            <Section title="Providers">
              <Providers providers={data.providers ?? []} now={data.ts ?? Date.now()} />
            </Section>
          </>
        )}
      </With>
    </Page>
  );
}
