// Where messages are typed. What was typed is kept per session until it is sent, over reloads and lost connections.
import { useEffect, useRef, useState } from "preact/hooks";
import { link, notify } from "../lib/state";
import { session as tab } from "../lib/storage";
import { Icon } from "../parts/icon";
import { bytes } from "../lib/format";
import { messages, sessionKey, working, type Attachment } from "./model";
import { send, stop } from "./store";

const IMAGE_MAX = 5_000_000; // bytes, as the gateway takes them
const IMAGES_MAX = 8;
const HEIGHT_MAX = 260; // pixels

function draftKey(session: string): string {
  return `openclaw.draft ${session}`;
}

function readImage(file: File): Promise<Attachment> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve({ mimeType: file.type, fileName: file.name || "picture", content: String(reader.result).replace(/^[^,]*,/, "") });
    reader.readAsDataURL(file);
  });
}

export function Composer({ agentName }: { agentName: string }) {
  const key = sessionKey.value;
  const [text, setText] = useState("");
  const [files, setFiles] = useState<Attachment[]>([]);
  const [over, setOver] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const busy = working();
  const online = link.value.phase === "online";
  const ready = online && messages.value !== null && (text.trim() !== "" || files.length > 0);

  useEffect(() => {
    setText(tab.get(draftKey(key)) ?? "");
    setFiles([]);
    if (matchMedia("(pointer: fine)").matches) area.current?.focus();
  }, [key]);

  useEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(HEIGHT_MAX, box.scrollHeight)}px`;
  }, [text]);

  const type = (next: string) => {
    setText(next);
    if (next) tab.set(draftKey(key), next);
    else tab.remove(draftKey(key));
  };

  const add = async (list: Iterable<File>) => {
    for (const file of list) {
      if (!file.type.startsWith("image/")) notify(`${file.name || "That file"} is no picture; only pictures can be attached.`, "bad");
      else if (file.size > IMAGE_MAX) notify(`${file.name} has ${bytes(file.size)}; a picture may have ${bytes(IMAGE_MAX)}.`, "bad");
      else {
        const read = await readImage(file);
        setFiles((now) => (now.length < IMAGES_MAX ? [...now, read] : now));
      }
    }
  };

  const submit = () => {
    if (!ready) return;
    send(text.trim(), files);
    type("");
    setFiles([]);
    area.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (matchMedia("(pointer: coarse)").matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    submit();
  };

  return (
    <form
      class={over ? "composer composer-over" : "composer"}
      aria-label="Message"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void add(event.dataTransfer?.files ?? []);
      }}
    >
      {files.length > 0 && (
        <ul class="thumbs" aria-label="Attached pictures">
          {files.map((file, at) => (
            <li key={at}>
              <img src={`data:${file.mimeType};base64,${file.content}`} alt={file.fileName} />
              <button type="button" class="thumb-remove" aria-label={`Remove ${file.fileName}`} onClick={() => setFiles(files.filter((_, other) => other !== at))}>
                <Icon name="close" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        class="composer-text"
        rows={1}
        aria-label={`Message to ${agentName}`}
        placeholder={online ? `Message ${agentName}` : "Not connected; what you type is kept"}
        value={text}
        onInput={(event) => type(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onPaste={(event) => {
          const pasted = [...(event.clipboardData?.files ?? [])];
          if (pasted.length === 0) return;
          event.preventDefault();
          void add(pasted);
        }}
      />
      <div class="composer-foot">
        <input
          ref={picker}
          type="file"
          accept="image/*"
          multiple
          hidden
          onChange={(event) => {
            void add(event.currentTarget.files ?? []);
            event.currentTarget.value = "";
          }}
        />
        <button type="button" class="icon-button" aria-label="Attach pictures" title="Attach pictures" onClick={() => picker.current?.click()}>
          <Icon name="attach" />
        </button>
        <span class="composer-hint muted">{busy ? "Enter queues · Esc stops" : "Enter sends · Shift+Enter: new line"}</span>
        <div class="row push">
          {busy && (
            <button type="button" class="button button-stop" onClick={() => void stop()}>
              <Icon name="stop" size={16} />
              Stop
            </button>
          )}
          <button type="submit" class="button button-primary" disabled={!ready}>
            <Icon name="send" size={16} />
            {busy ? "Queue" : "Send"}
          </button>
        </div>
      </div>
    </form>
  );
}
