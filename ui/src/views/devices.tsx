// Devices: which wait for approval, which may connect, and their tokens.
import { useState } from "preact/hooks";
import { dateTime, relative, shortId } from "../lib/format";
import { gateway, hello, notify, words } from "../lib/state";
import { useCall, useNow } from "../lib/use";
import { Badge, CopyButton, Empty, Facts, Note, Page, Section, With } from "../parts/basic";
import { Dialog, confirm } from "../parts/dialog";
import { loadDevice } from "../lib/device";

interface Token {
  role: string;
  scopes?: string[];
  createdAtMs?: number;
  rotatedAtMs?: number;
  revokedAtMs?: number;
  lastUsedAtMs?: number;
}

interface Device {
  requestId?: string;
  deviceId: string;
  displayName?: string;
  platform?: string;
  clientId?: string;
  clientMode?: string;
  role?: string;
  roles?: string[];
  scopes?: string[];
  remoteIp?: string;
  isRepair?: boolean;
  ts?: number;
  approvedAtMs?: number;
  tokens?: Token[];
}

const KINDS: Record<string, string> = { "openclaw-control-ui": "Control UI", cli: "Command line", "webchat-ui": "Web chat", "gateway-client": "Program", "node-host": "Node" };
const PENDING_MS = 300_000; // a request lives so long

function nameOf(device: Device): string {
  return device.displayName || [KINDS[device.clientId ?? ""] ?? device.clientId ?? "Device", device.platform].filter(Boolean).join(" on ");
}

function Scopes({ scopes }: { scopes?: string[] }) {
  if (!scopes?.length) return <span class="muted">none</span>;
  return (
    <span class="row">
      {scopes.map((scope) => (
        <Badge key={scope}>{scope.replace(/^operator\./, "")}</Badge>
      ))}
    </span>
  );
}

function Pending({ device, now, act }: { device: Device; now: number; act: (method: string, params: object, done: string) => void }) {
  const left = (device.ts ?? now) + PENDING_MS - now;
  return (
    <li class="card card-waiting">
      <div class="card-head">
        <h3>{nameOf(device)}</h3>
        {device.isRepair && (
          <Badge tone="warn" title="this device is known and asks for more than it has">
            asks for more
          </Badge>
        )}
        <span class="muted push">{left > 0 ? `expires in ${Math.ceil(left / 60_000)} min` : "expired"}</span>
      </div>
      <Facts
        rows={[
          ["Device", <code title={device.deviceId}>{shortId(device.deviceId, 16)}</code>],
          ["Address", device.remoteIp],
          ["Role", (device.roles ?? [device.role]).join(", ")],
          ["Asks for", <Scopes scopes={device.scopes} />],
          ["Request", <code>{device.requestId}</code>],
        ]}
      />
      <div class="row card-foot">
        <button type="button" class="button button-primary" onClick={() => act("device.pair.approve", { requestId: device.requestId }, `${nameOf(device)} is approved`)}>
          Approve<span class="hidden-visually"> {nameOf(device)}</span>
        </button>
        <button type="button" class="button button-danger" onClick={() => act("device.pair.reject", { requestId: device.requestId }, "The request is rejected")}>
          Reject<span class="hidden-visually"> {nameOf(device)}</span>
        </button>
      </div>
    </li>
  );
}

function Paired({ device, own, now, act, rotate }: { device: Device; own: boolean; now: number; act: (method: string, params: object, done: string) => void; rotate: (device: Device, role: string) => void }) {
  const revoke = async (role: string) => {
    if (await confirm("Revoke this token?", own ? "This page is signed out with it." : `${nameOf(device)} is disconnected, and needs the gateway's token to come back.`, "Revoke")) act("device.token.revoke", { deviceId: device.deviceId, role }, "The token is revoked");
  };
  const remove = async () => {
    if (await confirm("Remove this device?", own ? "This is the device you are using: the page has to be approved again." : `${nameOf(device)} has to be approved again before it can connect.`, "Remove")) act("device.pair.remove", { deviceId: device.deviceId }, "The device is removed");
  };
  return (
    <li class="card">
      <div class="card-head">
        <h3>{nameOf(device)}</h3>
        {own && <Badge tone="info">this browser</Badge>}
      </div>
      <Facts
        rows={[
          ["Device", <code title={device.deviceId}>{shortId(device.deviceId, 16)}</code>],
          ["Address", device.remoteIp],
          ["Approved", dateTime(device.approvedAtMs)],
          ["May", <Scopes scopes={device.scopes} />],
        ]}
      />
      {(device.tokens ?? []).map((token) => (
        <div key={token.role} class="token">
          <span>
            Token for <strong>{token.role}</strong>
            <span class="muted"> · {token.revokedAtMs ? `revoked ${relative(token.revokedAtMs, now)}` : token.lastUsedAtMs ? `used ${relative(token.lastUsedAtMs, now)}` : "not used yet"}</span>
          </span>
          <span class="row push">
            {token.revokedAtMs ? (
              <Badge tone="bad">revoked</Badge>
            ) : (
              <button type="button" class="button button-small" onClick={() => void revoke(token.role)}>
                Revoke
              </button>
            )}
            <button type="button" class="button button-small" onClick={() => rotate(device, token.role)}>
              Rotate
            </button>
          </span>
        </div>
      ))}
      <div class="row card-foot">
        <button type="button" class="button button-small button-danger" onClick={() => void remove()}>
          Remove<span class="hidden-visually"> {nameOf(device)}</span>
        </button>
        {own && (
          <button type="button" class="button button-small" onClick={() => gateway.signOut()}>
            Sign out
          </button>
        )}
      </div>
    </li>
  );
}

export function DevicesView() {
  const list = useCall<{ pending: Device[]; paired: Device[] }>("device.pair.list", {}, { events: ["device.pair.requested", "device.pair.resolved", "presence"], everyMs: 20_000 });
  const [fresh, setFresh] = useState<{ token: string; name: string } | null>(null);
  const now = useNow();
  const ownId = loadDevice().id;
  const act = async (method: string, params: object, done: string) => {
    try {
      await gateway.call(method, params);
      notify(done);
    } catch (failure) {
      notify(words(failure), "bad");
    }
    list.reload();
  };
  const rotate = async (device: Device, role: string) => {
    if (!(await confirm("Make a new token?", "The old one stops working at once. A connected device is disconnected; it gets the new one when it signs in again.", "Make a new one"))) return;
    try {
      const answer = await gateway.call("device.token.rotate", { deviceId: device.deviceId, role });
      if (answer?.token) setFresh({ token: answer.token, name: nameOf(device) });
      list.reload();
    } catch (failure) {
      notify(words(failure), "bad");
    }
  };
  return (
    <Page title="Devices" lead="A device from elsewhere connects only after it was approved, here or with openclaw devices approve.">
      <With of={list}>
        {(data) => (
          <>
            <Section title="Waiting for approval" note={`${data.pending?.length ?? 0}`}>
              {(data.pending ?? []).length === 0 ? (
                <Empty title="No device waits">Open this page on another device: its request shows up here at once.</Empty>
              ) : (
                <ul class="cards cards-wide" aria-live="polite">
                  {data.pending.map((device) => (
                    <Pending key={device.requestId} device={device} now={now} act={act} />
                  ))}
                </ul>
              )}
            </Section>
            <Section title="Approved" note={`${data.paired?.length ?? 0}`}>
              {(data.paired ?? []).length === 0 ? (
                <Empty title="No device is approved yet">{hello.value?.snapshot?.authMode === "none" ? "This gateway lets local clients in without." : null}</Empty>
              ) : (
                <ul class="cards cards-wide">
                  {data.paired.map((device) => (
                    <Paired key={device.deviceId} device={device} own={device.deviceId === ownId} now={now} act={act} rotate={(which, role) => void rotate(which, role)} />
                  ))}
                </ul>
              )}
            </Section>
          </>
        )}
      </With>
      {fresh && (
        <Dialog title="The new token" onClose={() => setFresh(null)}>
          <Note tone="warn">It is shown this once. Give it to {fresh.name} over a way that you trust.</Note>
          <div class="command">
            <code>{fresh.token}</code>
            <CopyButton text={fresh.token} />
          </div>
        </Dialog>
      )}
    </Page>
  );
}
