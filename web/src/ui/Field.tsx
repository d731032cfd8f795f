// A labelled input with its hint and its error, wired for screen readers. The input is given by the caller as a function
// so that any control fits: `<Field label="Name">{(ids) => <Input {...ids} />}</Field>`.
import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react';
import styles from './Field.module.css';
import { Icon } from './Icon';

export interface FieldIds {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** The label is read but not shown, where the place says it all (a search box). */
  hideLabel?: boolean;
  children: (ids: FieldIds) => ReactNode;
}

export function Field({ label, hint, error, hideLabel = false, children }: FieldProps) {
  const id = useId();
  const note = error || hint ? `${id}note` : undefined;
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={hideLabel ? 'visually-hidden' : styles.label}>
        {label}
      </label>
      {children({ id, 'aria-describedby': note, 'aria-invalid': error ? true : undefined })}
      {note && (
        <div id={note} className={error ? styles.error : styles.hint}>
          {error ?? hint}
        </div>
      )}
    </div>
  );
}

interface InputProps extends InputHTMLAttributes<HTMLInputElement> {
  /** What stands after the number: `%`, `px`, `s`. */
  unit?: string;
  ref?: Ref<HTMLInputElement>;
}

export function Input({ unit, ...rest }: InputProps) {
  return (
    <span className={styles.box}>
      <input className={styles.input} autoComplete="off" spellCheck={false} {...rest} />
      {unit && <span className={styles.unit}>{unit}</span>}
    </span>
  );
}

export function TextArea(props: TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <span className={styles.box}>
      <textarea className={styles.area} rows={4} autoComplete="off" spellCheck={false} {...props} />
    </span>
  );
}

/** The browser's own select, which works on every device, with our frame around it. */
export function Select({ children, ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <span className={styles.box}>
      <select className={styles.select} {...rest}>
        {children}
      </select>
      <span className={styles.arrow}>
        <Icon name="chevronDown" size={14} />
      </span>
    </span>
  );
}

export function Checkbox({
  label,
  hint,
  ...rest
}: InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: ReactNode }) {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...rest} />
      <span>
        {label}
        {hint && <span className={styles.hint}>{hint}</span>}
      </span>
    </label>
  );
}
