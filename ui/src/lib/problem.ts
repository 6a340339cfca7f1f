// Why a connection does not come about, in words that say what to do.

export interface Refusal {
  code?: string; // error code of the answer
  message: string;
  requestId?: string;
  closeCode?: number;
}

/** What happens next: `ask` waits for a secret, `pair` repeats every few seconds, `retry` repeats with growing pauses, `stop` waits for a person. */
export type Next = "ask" | "pair" | "retry" | "slow" | "stop";

export interface Problem {
  next: Next;
  title: string;
  text: string;
  requestId?: string;
  command?: string;
  wrongSecret?: boolean;
  mayAsk?: boolean; // a secret can be entered although attempts go on
}

function problem(next: Next, title: string, text: string): Problem {
  return { next, title, text };
}

const RULES: [RegExp, (refusal: Refusal) => Problem][] = [
  [
    /pairing required/,
    ({ requestId }) => ({
      ...problem(
        "pair",
        "This browser has to be approved",
        "The gateway does not know this browser yet. Approve it where the gateway runs, or on a device that is approved already; this page goes on by itself as soon as that has happened.",
      ),
      requestId,
      command: requestId ? `openclaw devices approve ${requestId}` : "openclaw devices approve --latest",
    }),
  ],
  [
    /(token|password) missing/,
    () => problem("ask", "Sign in", "Enter the gateway's token or password. `openclaw dashboard` prints a link that has it."),
  ],
  [
    /(token|password) mismatch/,
    () => ({
      ...problem("ask", "That was not the right token", "The gateway refused what was entered. `openclaw dashboard` prints a link with the right token."),
      wrongSecret: true,
    }),
  ],
  [
    /not configured on gateway/,
    () => problem("stop", "The gateway has no token", "It wants a token, and none is configured. Set OPENCLAW_GATEWAY_TOKEN or gateway.auth.token and restart it."),
  ],
  [
    /too many failed/,
    () => ({ ...problem("slow", "Too many wrong attempts", "The gateway refuses this address for a while. This page tries again by itself; a right token is taken only then."), mayAsk: true }),
  ],
  [
    /origin not allowed/,
    () =>
      problem(
        "slow",
        "This address is not allowed",
        `The gateway does not accept pages from ${location.origin}. Open it under the gateway's own address, or add this one to gateway.controlUi.allowedOrigins.`,
      ),
  ],
  [
    /requires HTTPS|device identity required/,
    () => problem("stop", "The gateway wants a device key", "This browser could not show one. Open the page over HTTPS or on localhost, and allow it to keep data."),
  ],
  [
    /signature expired/,
    () => problem("slow", "The clocks differ", "This device's clock and the gateway's are more than ten minutes apart. Set the clock, then this page connects."),
  ],
  [
    /protocol mismatch/,
    () => problem("stop", "Different versions", "This page and the gateway speak different versions of the protocol. Reload the page; if that does not help, update the gateway."),
  ],
  [/device (nonce|signature|identity|public key)/, ({ message }) => problem("retry", "The device key was refused", `The gateway says: ${message}.`)],
  [/^unauthorized/, () => problem("ask", "Not signed in", "The gateway refused this connection. Enter its token or password.")],
];

/** The problem behind an answer to `connect`, or behind a close before there was one. */
export function explainRefusal(refusal: Refusal): Problem {
  for (const [pattern, make] of RULES) if (pattern.test(refusal.message)) return make(refusal);
  if (refusal.message) return problem("retry", "The gateway refused the connection", `It says: ${refusal.message}.`);
  return explainClose(refusal.closeCode ?? 1006, "");
}

/** The problem behind a close of the socket. */
export function explainClose(code: number, reason: string): Problem {
  if (code === 1012) return problem("retry", "The gateway is restarting", "What was accepted is kept; this page connects again in a moment.");
  if (code === 1008 && /slow consumer/.test(reason))
    return problem("retry", "This page was too slow", "The gateway had more to send than this connection could take, and closed it. Nothing is lost: it connects again and loads what it missed.");
  if (code === 1009) return problem("retry", "A message was too large", "The gateway takes at most 25 MB in one message, and closed the connection.");
  if (code === 1008 && reason) return explainRefusal({ message: reason, closeCode: code });
  if (code === 1000) return problem("retry", "The gateway closed the connection", "It did not say why; this page connects again.");
  return problem("retry", "The gateway cannot be reached", "It is down, or the network is. This page tries again by itself.");
}
