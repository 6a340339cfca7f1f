// Commands that wait for a person's word: asked one after the other, over whatever view is open.
import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { gateway, notify, onStart, words } from "../lib/state";
import { Facts } from "./basic";
import { Dialog } from "./dialog";

interface Approval {
  id: string;
  request?: { command?: string; cwd?: string | null; host?: string | null; agentId?: string | null; sessionKey?: string | null; resolvedPath?: string | null };
  expiresAtMs?: number;
}

const WAITING_MAX = 50;
const waiting = signal<Approval[]>([]);

function drop(id: string): void {
  waiting.value = waiting.value.filter((approval) => approval.id !== id);
}

onStart((link) => {
  link.on("exec.approval.requested", (approval: Approval) => {
    if (approval?.id) waiting.value = [...waiting.value.filter((other) => other.id !== approval.id), approval].slice(-WAITING_MAX);
  });
  link.on("exec.approval.resolved", (answer: { id: string }) => drop(answer?.id));
});

export function Approvals() {
  const [hidden, setHidden] = useState("");
  const asked = waiting.value.find((approval) => approval.id !== hidden);
  useEffect(() => {
    if (!asked?.expiresAtMs) return;
    const timer = setTimeout(() => drop(asked.id), Math.max(0, asked.expiresAtMs - Date.now()));
    return () => clearTimeout(timer);
  }, [asked?.id]);
  if (!asked) return null;
  const decide = async (decision: string) => {
    try {
      await gateway.call("exec.approval.resolve", { id: asked.id, decision });
    } catch (failure) {
      notify(words(failure), "bad");
    }
    drop(asked.id);
  };
  const { request = {} } = asked;
  return (
    <Dialog
      key={asked.id}
      title="An agent wants to run a command"
      onClose={() => setHidden(asked.id)}
      footer={
        <>
          <button type="button" class="button button-danger" onClick={() => void decide("deny")}>
            Deny
          </button>
          <button type="button" class="button push" onClick={() => void decide("allow-always")}>
            Always allow
          </button>
          <button type="button" class="button button-primary" onClick={() => void decide("allow-once")}>
            Allow once
          </button>
        </>
      }
    >
      <div class="command">
        <code>{request.command}</code>
      </div>
      <Facts
        rows={[
          ["Agent", request.agentId],
          ["Session", request.sessionKey && <code>{request.sessionKey}</code>],
          ["Folder", request.cwd && <code>{request.cwd}</code>],
          ["Program", request.resolvedPath && <code>{request.resolvedPath}</code>],
          ["Host", request.host],
        ]}
      />
    </Dialog>
  );
}
