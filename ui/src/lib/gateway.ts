// A client of the gateway's WebSocket protocol, version 3: connects, answers the challenge, calls methods, hears events, and
// connects again with growing pauses. Knows nothing of the page.
import { uuid } from "./bytes";
import { loadDevice, signDevice, type Device } from "./device";
import { explainClose, explainRefusal, type Problem } from "./problem";
import { local, session } from "./storage";

const CLIENT_ID = "openclaw-control-ui";
const CLIENT_MODE = "webchat";
const ROLE = "operator";
const SCOPES = ["operator.admin", "operator.approvals", "operator.pairing"];
const CALL_TIMEOUT_MS = 30_000;
const OPEN_TIMEOUT_MS = 12_000;
const RETRY_FIRST_MS = 400;
const RETRY_MAX_MS = 15_000;
const RETRY_PAIR_MS = 3_000;
const RETRY_SLOW_MS = 30_000;
const SECRET_KEY = "openclaw.secret"; // only until the gateway has given a device token

export interface Hello {
  server?: { version?: string; host?: string; connId?: string };
  features?: { methods?: string[]; events?: string[] };
  snapshot?: {
    uptimeMs?: number;
    configPath?: string;
    stateDir?: string;
    authMode?: string;
    sessionDefaults?: { defaultAgentId?: string; mainKey?: string; mainSessionKey?: string };
  };
  auth?: { deviceToken?: string; role?: string; scopes?: string[] };
  policy?: { maxPayload?: number; tickIntervalMs?: number };
}

export type Phase = "connecting" | "online" | "waiting" | "asking";

export interface Link {
  phase: Phase;
  problem?: Problem;
  retryAt?: number; // waiting: when the next attempt comes
}

export class CallError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details?: any,
  ) {
    super(message);
  }
}

interface Waiting {
  resolve: (payload: any) => void;
  reject: (error: CallError) => void;
  timer: number;
}

type Listener = (payload: any) => void;

export class Gateway {
  hello: Hello | null = null;
  private socket: WebSocket | null = null;
  private readonly waiting = new Map<string, Waiting>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private device: Device | null = null;
  private secret = session.get(SECRET_KEY) ?? "";
  private usedDeviceToken = false;
  private refused: Problem | null = null;
  private retryTimer = 0;
  private attempt = 0;
  private lastSeq = -1;

  constructor(
    private readonly url: string,
    private readonly onLink: (link: Link) => void,
  ) {
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => !document.hidden && this.retryNow());
  }

  /** Use this token or password from now on, and connect. */
  signIn(secret: string): void {
    this.secret = secret;
    session.set(SECRET_KEY, secret);
    this.attempt = 0;
    this.connect();
  }

  /** Forget what lets this browser in. */
  signOut(): void {
    this.forgetDeviceToken();
    this.secret = "";
    session.remove(SECRET_KEY);
    this.connect();
  }

  /** Connect at once when a pause is being waited out. */
  retryNow(): void {
    if (this.retryTimer) this.connect();
  }

  connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    this.drop();
    this.refused = null;
    this.onLink({ phase: "connecting" });
    const socket = new WebSocket(this.url);
    this.socket = socket;
    const timer = window.setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    socket.onmessage = (message) => {
      if (socket !== this.socket || typeof message.data !== "string") return;
      this.take(message.data);
      if (this.hello) clearTimeout(timer);
    };
    socket.onclose = (event) => {
      clearTimeout(timer);
      if (socket === this.socket) this.closed(event.code, event.reason);
    };
  }

  /** Call a method. Rejects with a CallError: the gateway's own, `OFFLINE`, or `TIMEOUT`. */
  call<T = any>(method: string, params: object = {}, timeoutMs = CALL_TIMEOUT_MS): Promise<T> {
    if (!this.hello) return Promise.reject(new CallError("OFFLINE", "not connected to the gateway"));
    return this.ask(method, params, timeoutMs);
  }

  /** Hear an event, `gap` (events were missed) or `hello` (connected). @return a function that ends it */
  on(event: string, listener: Listener): () => void {
    let set = this.listeners.get(event);
    if (!set) this.listeners.set(event, (set = new Set()));
    set.add(listener);
    return () => set.delete(listener);
  }

  private ask(method: string, params: object, timeoutMs: number): Promise<any> {
    const id = uuid();
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.waiting.delete(id);
        reject(new CallError("TIMEOUT", `the gateway did not answer ${method} within ${Math.round(timeoutMs / 1000)} s`));
      }, timeoutMs);
      this.waiting.set(id, { resolve, reject, timer });
      this.socket!.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  private emit(event: string, payload: any): void {
    for (const listener of [...(this.listeners.get(event) ?? [])]) {
      try {
        listener(payload);
      } catch (error) {
        reportError(error);
      }
    }
  }

  private take(text: string): void {
    let frame: any;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame?.type === "res") this.takeAnswer(frame);
    else if (frame?.type === "event" && frame.event === "connect.challenge") this.introduce(String(frame.payload?.nonce ?? ""));
    else if (frame?.type === "event") this.takeEvent(frame);
  }

  private takeAnswer(frame: any): void {
    const entry = this.waiting.get(frame.id);
    if (!entry) return;
    this.waiting.delete(frame.id);
    clearTimeout(entry.timer);
    if (frame.ok) entry.resolve(frame.payload);
    else entry.reject(new CallError(frame.error?.code ?? "UNAVAILABLE", frame.error?.message ?? "refused without a reason", frame.error?.details));
  }

  private takeEvent(frame: any): void {
    if (typeof frame.seq === "number") {
      const missed = this.lastSeq >= 0 && frame.seq > this.lastSeq + 1;
      this.lastSeq = frame.seq;
      if (missed) this.emit("gap", null);
    }
    this.emit(frame.event, frame.payload);
  }

  private tokenKey(): string {
    return `openclaw.device.token ${this.url}`;
  }

  private forgetDeviceToken(): void {
    local.remove(this.tokenKey());
  }

  private async introduce(nonce: string): Promise<void> {
    const deviceToken = this.secret ? "" : (local.get(this.tokenKey()) ?? "");
    const token = this.secret || deviceToken;
    this.usedDeviceToken = deviceToken !== "";
    this.device ??= loadDevice();
    const claim = { clientId: CLIENT_ID, clientMode: CLIENT_MODE, role: ROLE, scopes: SCOPES, token, nonce };
    const params: any = {
      minProtocol: 3,
      maxProtocol: 3,
      client: { id: CLIENT_ID, version: "openclaw-c", platform: navigator.platform || "web", mode: CLIENT_MODE },
      role: ROLE,
      scopes: SCOPES,
      caps: ["tool-events"],
      device: signDevice(this.device, claim, Date.now()),
      locale: navigator.language || "en",
      userAgent: navigator.userAgent,
    };
    // Which of the two the gateway wants is not known before it has said hello.
    if (this.secret) params.auth = { token, password: token };
    else if (token) params.auth = { token };
    try {
      this.welcome(await this.ask("connect", params, OPEN_TIMEOUT_MS));
    } catch (error) {
      if (error instanceof CallError && error.code !== "OFFLINE" && error.code !== "TIMEOUT") this.refuse(error);
    }
  }

  private welcome(hello: Hello): void {
    this.hello = hello;
    this.attempt = 0;
    this.lastSeq = -1;
    if (hello.auth?.deviceToken) {
      local.set(this.tokenKey(), hello.auth.deviceToken);
      this.secret = "";
      session.remove(SECRET_KEY);
    }
    this.onLink({ phase: "online" });
    this.emit("hello", hello);
  }

  private refuse(error: CallError): void {
    if (this.usedDeviceToken && /device token mismatch/.test(error.message)) {
      this.forgetDeviceToken();
      this.connect();
      return;
    }
    this.refused = explainRefusal({ code: error.code, message: error.message, requestId: error.details?.requestId });
    if (this.refused.next === "ask") {
      this.secret = "";
      session.remove(SECRET_KEY);
    }
  }

  private closed(code: number, reason: string): void {
    this.drop();
    this.pause(this.refused ?? explainClose(code, reason));
  }

  private pause(problem: Problem): void {
    if (problem.next === "ask" || problem.next === "stop") {
      this.onLink({ phase: "asking", problem });
      return;
    }
    let ms = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 1.8 ** this.attempt++) * (0.75 + Math.random() / 2);
    if (problem.next === "pair") ms = RETRY_PAIR_MS;
    if (problem.next === "slow") ms = RETRY_SLOW_MS;
    this.retryTimer = window.setTimeout(() => this.connect(), ms);
    this.onLink({ phase: "waiting", problem, retryAt: Date.now() + ms });
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    this.hello = null;
    socket?.close();
    for (const entry of this.waiting.values()) {
      clearTimeout(entry.timer);
      entry.reject(new CallError("OFFLINE", "the connection to the gateway was lost"));
    }
    this.waiting.clear();
  }
}
