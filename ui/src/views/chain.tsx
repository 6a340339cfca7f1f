// The models that an agent tries, in order; what comes from the defaults is marked.
import { chainOf } from "../lib/models";
import { Badge } from "../parts/basic";

export function Chain({ config, id }: { config: any; id: string }) {
  const chain = chainOf(config, id);
  if (chain.length === 0) return <p class="muted">No model is configured for it.</p>;
  return (
    <ol class="chain" aria-label="Models, in the order they are tried">
      {chain.map((link, at) => (
        <li key={link.ref}>
          <span class="chain-rank muted">{at === 0 ? "first" : "then"}</span>
          <span>
            <code>{link.ref}</code>
            {link.inherited && <Badge title="comes from agents.defaults">inherited</Badge>}
          </span>
        </li>
      ))}
    </ol>
  );
}
