// Tabs with the keyboard manners of the ARIA pattern (arrows, Home, End), and Segmented for one choice of few.
import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';
import { Icon, type IconName } from './Icon';
import styles from './Tabs.module.css';

export interface Tab<Key extends string> {
  key: Key;
  label: string;
  /** A number after the label: how many are in there. */
  count?: number | undefined;
}

interface TabsProps<Key extends string> {
  label: string;
  tabs: Tab<Key>[];
  active: Key;
  onChange: (key: Key) => void;
  children: ReactNode;
}

export function Tabs<Key extends string>({ label, tabs, active, onChange, children }: TabsProps<Key>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.key === active);
    const last = tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    onChange(tabs[to]!.key);
    (list.current?.children[to] as HTMLElement | undefined)?.focus();
  };
  return (
    <div className={styles.tabs}>
      <div role="tablist" aria-label={label} className={styles.list} ref={list} onKeyDown={onKey}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            aria-selected={tab.key === active}
            aria-controls={`${id}-panel`}
            tabIndex={tab.key === active ? 0 : -1}
            className={styles.tab}
            onClick={() => onChange(tab.key)}
          >
            {tab.label}
            {tab.count !== undefined && tab.count > 0 && <span className={styles.count}>{tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${active}`} className={styles.panel}>
        {children}
      </div>
    </div>
  );
}

interface SegmentedProps<Key extends string> {
  label: string;
  options: { key: Key; label: string; icon?: IconName }[];
  value: Key;
  onChange: (key: Key) => void;
  /** Icons only; the words become names for screen readers and tooltips. */
  compact?: boolean;
}

export function Segmented<Key extends string>({
  label,
  options,
  value,
  onChange,
  compact = false,
}: SegmentedProps<Key>) {
  const name = useId();
  return (
    <fieldset className={styles.segmented}>
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.key} className={styles.segment} title={compact ? option.label : undefined}>
          <input
            type="radio"
            className="visually-hidden"
            name={name}
            checked={option.key === value}
            onChange={() => onChange(option.key)}
          />
          {option.icon && <Icon name={option.icon} size={14} />}
          <span className={compact ? 'visually-hidden' : undefined}>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
