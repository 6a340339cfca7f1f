// What the browser keeps for us. A browser that keeps nothing (private mode, storage refused) gets a copy in memory.

const memory = new Map<string, string>();

class Drawer {
  constructor(private readonly open: () => Storage) {}

  get(key: string): string | null {
    try {
      return this.open().getItem(key);
    } catch {
      return memory.get(key) ?? null;
    }
  }

  set(key: string, value: string): void {
    try {
      this.open().setItem(key, value);
    } catch {
      memory.set(key, value);
    }
  }

  remove(key: string): void {
    memory.delete(key);
    try {
      this.open().removeItem(key);
    } catch {
      // nothing was kept
    }
  }
}

/** Kept until it is removed. */
export const local = new Drawer(() => window.localStorage);
/** Kept as long as the tab. */
export const session = new Drawer(() => window.sessionStorage);
