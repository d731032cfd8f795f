// A modal question, on the browser's own <dialog>: focus stays inside, Escape closes, what is behind is inert.
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useMessages } from '@/i18n';
import { IconButton } from './Button';
import styles from './Dialog.module.css';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Buttons, the one that acts last. */
  actions?: ReactNode;
  wide?: boolean;
  /** At the right edge, as high as the page: details beside the list they belong to. */
  side?: boolean;
}

/** Mounted means open: `{asking && <Dialog …/>}`. */
export function Dialog({ title, onClose, children, actions, wide = false, side = false }: Props) {
  const m = useMessages();
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={styles.dialog}
      data-wide={wide || undefined}
      data-side={side || undefined}
      aria-labelledby={titleId}
      onCancel={onClose}
    >
      <header className={styles.head}>
        <h2 id={titleId}>{title}</h2>
        <IconButton icon="close" label={m.common.close} onClick={onClose} />
      </header>
      <div className={styles.body}>{children}</div>
      {actions && <footer className={styles.actions}>{actions}</footer>}
    </dialog>
  );
}
