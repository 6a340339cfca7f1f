// Hooks that load from the gateway: again on every new connection, on events, and at an interval while the page is seen.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { gateway, link, words } from "./state";

export interface Loaded<T> {
  data: T | null;
  error: string;
  loading: boolean;
  reload: () => void;
  set: (data: T) => void;
}

interface Options {
  everyMs?: number; // repeated while the page is visible
  events?: string[]; // repeated on each of these events
  skip?: boolean;
}

/** The answer of a method. `params` are compared as JSON. An error keeps the data that was there before. */
export function useCall<T = any>(method: string, params: object = {}, options: Options = {}): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState("");
  const [loading, setLoading] = useState(!options.skip);
  const key = method + JSON.stringify(params);
  const current = useRef(key);
  const busy = useRef("");
  const online = link.value.phase === "online";
  current.current = options.skip ? "" : key;

  const reload = useCallback(() => {
    if (current.current !== key || busy.current === key || !gateway?.hello) return;
    busy.current = key;
    gateway
      .call<T>(method, params)
      .then(
        (answer) => {
          if (current.current !== key) return;
          setData(() => answer);
          setError("");
        },
        (failure) => {
          if (current.current === key && failure.code !== "OFFLINE") setError(words(failure));
        },
      )
      .finally(() => {
        if (busy.current === key) busy.current = "";
        if (current.current === key) setLoading(false);
      });
  }, [key]);

  useEffect(() => {
    if (options.skip) return;
    setData(null);
    setError("");
    setLoading(true);
  }, [key, options.skip]);

  useEffect(() => {
    if (options.skip || !online) return;
    reload();
    const ends = ["gap", ...(options.events ?? [])].map((event) => gateway.on(event, reload));
    const seen = () => document.hidden || reload();
    const timer = options.everyMs ? setInterval(seen, options.everyMs) : 0;
    return () => {
      clearInterval(timer);
      for (const end of ends) end();
    };
  }, [key, online, options.skip, options.everyMs]);

  return { data, error, loading, reload, set: (next) => setData(() => next) };
}

/** A value that is kept in step with the time of day, for "4 s ago". */
export function useNow(everyMs = 10_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
