// Rate limits: what is allowed, what the client was told, and whether it heeded it.
import { digest } from "./world.mjs";

// A client may have sent this long before it had read our answer, and its clock may differ by a little.
const IN_FLIGHT_MS = 100;
const CLOCK_MS = 5;

const DEFAULTS = {
  messages: { limit: 5, per: 5000 },
  edits: { limit: 5, per: 5000 },
  deletes: { limit: 5, per: 1000 },
  reactions: { limit: 1, per: 250 },
  typing: { limit: 5, per: 5000 },
  webhooks: { limit: 5, per: 2000 },
  other: { limit: 30, per: 5000 },
  global: { limit: 50, per: 1000 },
};

export class Limits {
  constructor(given = {}) {
    this.rules = { ...DEFAULTS };
    for (const [name, rule] of Object.entries(given)) this.rules[name] = typeof rule === "number" ? { ...this.rules[name], limit: rule } : rule;
    this.windows = new Map();
    this.told = new Map(); // bucket key or "global/<bot>" -> {at, until, how}
    this.forced = null;
  }

  window(key, rule, now) {
    let window = this.windows.get(key);
    if (!window || now >= window.reset) this.windows.set(key, (window = { used: 0, reset: now + rule.per }));
    return window;
  }

  /** Did it come although it had been told to wait? */
  heeded(key, now) {
    const told = this.told.get(key);
    if (!told || now >= told.until - CLOCK_MS || now <= told.at + IN_FLIGHT_MS) return null;
    return `${told.how}, ${Math.round(told.until - now)} ms too early`;
  }

  /**
   * @param bucket  {name, key}; null for what has no limit
   * @param who  whom the global limit counts; null for calls without a bot's token
   * @returns {headers, limited, ignored}
   */
  take(bucket, who, now) {
    const ignored = [];
    const globalKey = `global/${who}`;
    if (!bucket) return { headers: {}, ignored };
    const rule = this.rules[bucket.name] ?? this.rules.other;
    const key = `${bucket.name}/${bucket.key}`;
    for (const [what, name] of [[key, `bucket ${key}`], ...(who ? [[globalKey, "global limit"]] : [])]) {
      const why = this.heeded(what, now);
      if (why) ignored.push(`${name}: ${why}`);
    }
    const hash = digest(`bucket ${bucket.name}`);
    if (this.forced) {
      const { retryAfter, global, scope, html } = this.forced;
      if (--this.forced.n <= 0) this.forced = null;
      this.told.set(global ? globalKey : key, { at: now, until: now + retryAfter * 1000, how: "after a 429", forced: true });
      const headers = global || html ? {} : describe(hash, rule, 0, now + retryAfter * 1000, now);
      return { headers, ignored, limited: { retryAfter, global, scope: scope ?? (global ? "global" : "user"), html } };
    }
    for (const told of [this.told.get(globalKey), this.told.get(key)]) {
      if (!told?.forced || now >= told.until - CLOCK_MS) continue;
      const global = told === this.told.get(globalKey);
      return { headers: {}, ignored, limited: { retryAfter: (told.until - now) / 1000, global, scope: global ? "global" : "user" } };
    }
    if (who) {
      const window = this.window(globalKey, this.rules.global, now);
      if (++window.used > this.rules.global.limit) {
        this.told.set(globalKey, { at: now, until: window.reset, how: "after a global 429" });
        return { headers: {}, ignored, limited: { retryAfter: (window.reset - now) / 1000, global: true, scope: "global" } };
      }
    }
    const window = this.window(key, rule, now);
    if (window.used >= rule.limit) {
      this.told.set(key, { at: now, until: window.reset, how: "after a 429" });
      return { headers: describe(hash, rule, 0, window.reset, now), ignored, limited: { retryAfter: (window.reset - now) / 1000, global: false, scope: "user" } };
    }
    window.used++;
    const remaining = rule.limit - window.used;
    const exhausted = remaining === 0 ? { key, until: window.reset, how: "Remaining was 0" } : null;
    return { headers: describe(hash, rule, remaining, window.reset, now), ignored, exhausted };
  }

  /** The answer which says that nothing remains was sent. */
  tell({ key, until, how }, now) {
    const told = this.told.get(key);
    if (!told || told.until < until) this.told.set(key, { at: now, until, how });
  }
}

function describe(hash, { limit }, remaining, reset, now) {
  return {
    "X-RateLimit-Limit": `${limit}`,
    "X-RateLimit-Remaining": `${remaining}`,
    "X-RateLimit-Reset": (Math.ceil(reset) / 1000).toFixed(3),
    "X-RateLimit-Reset-After": (Math.max(0, Math.ceil(reset - now)) / 1000).toFixed(3),
    "X-RateLimit-Bucket": hash,
  };
}
