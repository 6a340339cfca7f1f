// Channels: how people reach the agents, and whether that works.
import { useState } from "preact/hooks";
import { relative } from "../lib/format";
import { gateway, words } from "../lib/state";
import { useCall, useNow } from "../lib/use";
import { Badge, Dot, Empty, Facts, Failure, Page, With, type Tone } from "../parts/basic";
import { Icon } from "../parts/icon";

interface Account {
  accountId: string;
  name?: string;
  enabled?: boolean;
  configured?: boolean;
  running?: boolean;
  connected?: boolean;
  tokenSource?: string;
  lastStartAt?: number | null;
  lastStopAt?: number | null;
  lastError?: string | null;
  lastInboundAt?: number | null;
  lastOutboundAt?: number | null;
  probe?: { ok?: boolean; status?: number | null; error?: string | null; elapsedMs?: number; bot?: { username?: string } };
  bot?: { username?: string };
}

interface Status {
  channelOrder?: string[];
  channelLabels?: Record<string, string>;
  channelDetailLabels?: Record<string, string>;
  channels?: Record<string, any>;
  channelAccounts?: Record<string, Account[]>;
}

function stateOf(account: Account): { tone: Tone; text: string } {
  if (account.enabled === false) return { tone: "plain", text: "switched off" };
  if (account.configured === false) return { tone: "warn", text: "not configured" };
  if (account.connected) return { tone: "ok", text: "connected" };
  if (account.connected === false && account.running) return { tone: "warn", text: "connecting" };
  if (account.running) return { tone: "ok", text: "running" };
  return { tone: account.lastError ? "bad" : "warn", text: "stopped" };
}

function AccountCard({ account, now }: { account: Account; now: number }) {
  const state = stateOf(account);
  const { probe } = account;
  const bot = probe?.bot?.username ?? account.bot?.username;
  return (
    <li class="card">
      <div class="card-head">
        <Dot tone={state.tone} />
        <h3>{account.name || account.accountId}</h3>
        <span class="push">
          <Badge tone={state.tone}>{state.text}</Badge>
        </span>
      </div>
      {account.lastError && <Failure text={account.lastError} />}
      <Facts
        rows={[
          ["Bot", bot],
          ["Token from", account.tokenSource],
          ["Started", account.lastStartAt ? relative(account.lastStartAt, now) : null],
          ["Stopped", account.lastStopAt ? relative(account.lastStopAt, now) : null],
          ["Last message in", account.lastInboundAt ? relative(account.lastInboundAt, now) : "none yet"],
          ["Last message out", account.lastOutboundAt ? relative(account.lastOutboundAt, now) : "none yet"],
          ["Probe", probe && <span class={probe.ok ? "" : "bad-text"}>{probe.ok ? `answered in ${probe.elapsedMs ?? 0} ms` : (probe.error ?? `status ${probe.status}`)}</span>],
        ]}
      />
    </li>
  );
}

export function ChannelsView() {
  const list = useCall<Status>("channels.status", { probe: false, timeoutMs: 8_000 }, { everyMs: 10_000, events: ["health"] });
  const [probed, setProbed] = useState<Status | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const now = useNow();
  const probe = async () => {
    setBusy(true);
    setError("");
    try {
      setProbed(await gateway.call<Status>("channels.status", { probe: true, timeoutMs: 8_000 }));
      list.reload();
    } catch (failure) {
      setError(words(failure));
    }
    setBusy(false);
  };
  const button = (
    <button type="button" class="button" onClick={probe} disabled={busy}>
      <Icon name="reload" size={16} />
      {busy ? "Asking…" : "Probe now"}
    </button>
  );
  return (
    <Page title="Channels" lead="Where messages come from besides this page. A probe asks each network whether the token is taken." actions={button}>
      {error && <Failure text={error} retry={probe} />}
      <With of={list}>
        {(data) => {
          const order = data.channelOrder ?? Object.keys(data.channels ?? {});
          if (order.length === 0) return <Empty title="No channel is configured">Channels stand in the configuration under channels; the web chat needs none.</Empty>;
          return order.map((id) => {
            const accounts = data.channelAccounts?.[id] ?? (data.channels?.[id] ? [{ accountId: "default", ...data.channels[id] }] : []);
            return (
              <section key={id} class="section" aria-label={data.channelLabels?.[id] ?? id}>
                <header class="section-head">
                  <h2>{data.channelLabels?.[id] ?? id}</h2>
                  <span class="muted">{data.channelDetailLabels?.[id]}</span>
                </header>
                <ul class="cards">
                  {accounts.map((account: Account) => (
                    <AccountCard key={account.accountId} now={now} account={{ ...account, probe: probed?.channelAccounts?.[id]?.find((other) => other.accountId === account.accountId)?.probe ?? account.probe }} />
                  ))}
                </ul>
              </section>
            );
          });
        }}
      </With>
    </Page>
  );
}
