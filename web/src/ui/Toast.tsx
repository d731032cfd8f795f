// Short words about what just happened, at the foot of the page. `toast(m.jobs.cancelled)` from anywhere; failures stay
// until they are closed.
import { useEffect } from 'react';
import { toFailure } from '@/api/problem';
import { createStore, useStore } from '@/app/store';
import { messages, useMessages } from '@/i18n';
import { IconButton } from './Button';
import { Icon } from './Icon';
import styles from './Toast.module.css';

interface ToastItem {
  id: number;
  text: string;
  bad: boolean;
}
const SHOWN_MS = 4500;
const MOST = 4;
const toasts = createStore<ToastItem[]>([]);
let nextId = 1;

export function toast(text: string, bad = false): void {
  toasts.set([...toasts.get().slice(1 - MOST), { id: nextId++, text, bad }]);
}

/** For an action that failed where no better place shows it. */
export function toastFailure(error: unknown): void {
  const failure = toFailure(error);
  if ('problem' in failure) {
    const { title, detail, next_step } = failure.problem;
    toast([detail || title, next_step].filter(Boolean).join(' '), true);
  } else {
    toast(`${messages().problem.offline}. ${messages().problem.offlineNext}`, true);
  }
}

function close(id: number): void {
  toasts.set(toasts.get().filter((item) => item.id !== id));
}

function One({ item }: { item: ToastItem }) {
  const m = useMessages();
  useEffect(() => {
    if (item.bad) return;
    const timer = setTimeout(() => close(item.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [item]);
  return (
    <li className={item.bad ? styles.bad : styles.toast}>
      <Icon name={item.bad ? 'alert' : 'check'} />
      <span>{item.text}</span>
      <IconButton icon="close" label={m.common.close} onClick={() => close(item.id)} />
    </li>
  );
}

export function Toasts() {
  const items = useStore(toasts);
  return (
    <ul className={styles.list} aria-live="polite">
      {items.map((item) => (
        <One key={item.id} item={item} />
      ))}
    </ul>
  );
}
