// A small menu behind a button, on the browser's popover (closes on Escape and on a click elsewhere), arrows move.
import { type KeyboardEvent, useId, useRef } from 'react';
import { IconButton } from './Button';
import { Icon, type IconName } from './Icon';
import styles from './Menu.module.css';

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  disabled?: boolean;
  onChoose: () => void;
}

export function Menu({ label, items, icon = 'menu' }: { label: string; items: MenuItem[]; icon?: IconName }) {
  const id = useId();
  const menu = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const place = () => {
    const box = button.current!.getBoundingClientRect();
    const open = menu.current!;
    const width = open.offsetWidth;
    open.style.top = `${Math.min(box.bottom + 4, window.innerHeight - open.offsetHeight - 8)}px`;
    open.style.left = `${Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8))}px`;
  };
  const choices = () => [...menu.current!.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')];
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    const all = choices();
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length]?.focus();
  };
  return (
    <>
      <IconButton ref={button} icon={icon} label={label} kind="plain" aria-haspopup="menu" popoverTarget={id} />
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        className={styles.menu}
        onKeyDown={onKey}
        onToggle={(event) => {
          if (event.newState !== 'open') return;
          place();
          choices()[0]?.focus();
        }}
      >
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            className={item.danger ? styles.danger : styles.item}
            disabled={item.disabled}
            onClick={() => {
              menu.current?.hidePopover();
              item.onChoose();
            }}
          >
            {item.icon ? <Icon name={item.icon} /> : <span className={styles.gap} />}
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}
