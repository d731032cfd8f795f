// Copying: a small button beside a value, and a framed line (a command, a ticket, a secret) with that button in it.
import { useEffect, useRef, useState } from 'react';
import { useMessages } from '@/i18n';
import { IconButton } from './Button';
import styles from './Copy.module.css';

const SHOWN_MS = 2000;

async function copyText(text: string, button: HTMLElement): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // There is no clipboard outside of secure contexts (a node on a LAN); a selection can be copied everywhere. It stands
  // beside the button, because an open dialog makes everything else inert.
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  button.after(area);
  area.select();
  document.execCommand('copy');
  area.remove();
  button.focus();
}

/** `what` names the value for screen readers and in the tooltip. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const m = useMessages();
  const button = useRef<HTMLButtonElement>(null);
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    copyText(text, button.current!).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <span className={styles.copy}>
      <IconButton
        ref={button}
        icon={copied ? 'check' : 'copy'}
        label={`${m.common.copy}: ${what}`}
        onClick={(event) => {
          event.stopPropagation();
          copy();
        }}
      />
      <span role="status" className="visually-hidden">
        {copied ? m.common.copied : ''}
      </span>
    </span>
  );
}

export function CopyLine({ text, what }: { text: string; what: string }) {
  return (
    <div className={styles.line}>
      <code>{text}</code>
      <CopyButton text={text} what={what} />
    </div>
  );
}
