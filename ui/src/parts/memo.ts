// A component that is drawn again only when one of its properties is another value.
import { Component, h, type ComponentType } from "preact";

export function memo<P extends object>(inner: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const now = this.props as Record<string, unknown>;
      const then = next as Record<string, unknown>;
      return [...new Set([...Object.keys(now), ...Object.keys(then)])].some((name) => now[name] !== then[name]);
    }
    override render(props: P) {
      return h(inner, props as any);
    }
  };
}
