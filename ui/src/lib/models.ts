// The chain of models of an agent, as the gateway resolves it: own primary and fallbacks, each else the defaults'.

export interface Link {
  ref: string;
  inherited: boolean; // comes from agents.defaults
}

interface Choice {
  primary?: string;
  fallbacks?: string[];
}

function choice(model: any): Choice {
  if (typeof model === "string") return { primary: model };
  if (!model || typeof model !== "object") return {};
  return { primary: model.primary, fallbacks: Array.isArray(model.fallbacks) ? model.fallbacks : undefined };
}

export function agentConfig(config: any, id: string): any {
  const list = config?.agents?.list;
  return Array.isArray(list) ? (list.find((agent: any) => agent?.id === id) ?? {}) : {};
}

/** The models that a turn of the agent tries, in order, each once. */
export function chainOf(config: any, id: string): Link[] {
  const own = choice(agentConfig(config, id).model);
  const defaults = choice(config?.agents?.defaults?.model);
  const aliases = config?.agents?.defaults?.models ?? {};
  const named = (ref: string) => Object.keys(aliases).find((full) => aliases[full]?.alias === ref) ?? ref;
  const chain: Link[] = [];
  const add = (ref: string | undefined, inherited: boolean) => {
    if (!ref) return;
    const full = named(ref);
    if (!chain.some((link) => link.ref === full)) chain.push({ ref: full, inherited });
  };
  add(own.primary ?? defaults.primary, own.primary === undefined);
  for (const ref of own.fallbacks ?? defaults.fallbacks ?? []) add(ref, own.fallbacks === undefined);
  return chain;
}

/** Which agents it may spawn besides itself; "*" stands for all. */
export function allowedOf(config: any, id: string): string[] {
  const own = agentConfig(config, id)?.subagents?.allowAgents;
  return Array.isArray(own) ? own : [];
}
