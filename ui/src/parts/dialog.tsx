// A modal dialog on the browser's own <dialog>: focus stays inside, Escape closes. And the question "are you sure?".
import type { ComponentChildren } from "preact";
import { signal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icon";

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; footer?: ComponentChildren; class?: string }) {
  const box = useRef<HTMLDialogElement>(null);
  const title = useId();
  // At once, before anything else can move the focus: it goes back to where it was when the dialog was asked for. What is behind an
  // open dialog takes no focus, so it is closed first.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null, dialog = box.current;
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={`dialog ${props.class ?? ""}`}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === box.current && props.onClose()}
    >
      <div class="dialog-inner">
        <header class="dialog-head">
          <h2 id={title}>{props.title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={props.onClose}>
            <Icon name="close" />
          </button>
        </header>
        <div class="dialog-body">{props.children}</div>
        {props.footer && <footer class="dialog-foot">{props.footer}</footer>}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Ask before something that cannot be taken back. */
export function confirm(title: string, text: ComponentChildren, action: string, danger = true): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      title,
      text,
      action,
      danger,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

export function ConfirmHost() {
  const asked = question.value;
  if (!asked) return null;
  return (
    <Dialog
      key={asked.title}
      title={asked.title}
      onClose={() => asked.answer(false)}
      class="dialog-small"
      footer={
        <>
          <button type="button" class="button" onClick={() => asked.answer(false)}>
            Cancel
          </button>
          <button type="button" class={`button ${asked.danger ? "button-danger" : "button-primary"}`} onClick={() => asked.answer(true)}>
            {asked.action}
          </button>
        </>
      }
    >
      <p>{asked.text}</p>
    </Dialog>
  );
}
