// Things this node keeps for others, tokens or webhooks: listed, made in a dialog, taken away after a question.
import { type ReactNode, useState } from 'react';
import type { CallOptions } from '@/api/client';
import { invalidate, useResource } from '@/api/resource';
import type { List } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button, IconButton } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { toast, toastFailure } from '@/ui/Toast';
import styles from './SettingsView.module.css';

interface Removal<Item> {
  /** The button's word; with the item's name it labels the cross beside it. */
  label: string;
  nameOf: (item: Item) => string;
  title: (item: Item) => string;
  question: (item: Item) => ReactNode;
  call: (id: string) => Promise<void>;
  done: string;
}

interface Props<Item> {
  /** Key of the resource, which a dialog that makes one invalidates. */
  resource: string;
  read: (options: CallOptions) => Promise<List<Item>>;
  title: string;
  hint: string;
  none: string;
  add: string;
  adding: (onClose: () => void) => ReactNode;
  linesExpected: number;
  about: (item: Item) => ReactNode;
  removal: Removal<Item>;
}

function RemoveDialog<Item extends { id: string }>({
  resource,
  item,
  removal,
  onClose,
}: {
  resource: string;
  item: Item;
  removal: Removal<Item>;
  onClose: () => void;
}) {
  const m = useMessages();
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await removal.call(item.id);
      invalidate(resource);
      toast(removal.done);
      onClose();
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={removal.title(item)}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="danger" busy={busy} onClick={remove}>
            {removal.label}
          </Button>
        </>
      }
    >
      {removal.question(item)}
    </Dialog>
  );
}

export function KeptList<Item extends { id: string }>(props: Props<Item>) {
  const { resource, read, title, hint, none, add, adding, linesExpected, about, removal } = props;
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<Item | null>(null);
  const { data, failure, reload } = useResource(resource, (signal) => read({ signal }));
  return (
    <Section
      title={title}
      actions={
        <Button kind="quiet" icon="add" onClick={() => setCreating(true)}>
          {add}
        </Button>
      }
    >
      <div className={styles.body}>
        <p className={styles.hint}>{hint}</p>
        {failure && <ProblemNote failure={failure} onRetry={reload} />}
        {!data && !failure && <Skeleton lines={linesExpected} height={40} />}
        {data?.items.length === 0 && <p>{none}</p>}
      </div>
      {data && data.items.length > 0 && (
        <ul className={styles.items}>
          {data.items.map((item) => (
            <li key={item.id} className={styles.item}>
              <span className={styles.words}>{about(item)}</span>
              <IconButton
                icon="close"
                label={`${removal.label}: ${removal.nameOf(item)}`}
                onClick={() => setRemoving(item)}
              />
            </li>
          ))}
        </ul>
      )}
      {creating && adding(() => setCreating(false))}
      {removing && (
        <RemoveDialog resource={resource} item={removing} removal={removal} onClose={() => setRemoving(null)} />
      )}
    </Section>
  );
}
