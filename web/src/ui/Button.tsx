// Buttons: `primary` once per view, `plain` for the rest, `quiet` inside toolbars, `danger` where something ends.
// A link that looks like a button is <ButtonLink>.
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';
import { Link } from '@/app/router';
import styles from './Button.module.css';
import { Icon, type IconName } from './Icon';

export type ButtonKind = 'primary' | 'plain' | 'quiet' | 'danger';

interface Look {
  kind?: ButtonKind;
  icon?: IconName;
  /** Shown as busy and not clickable; its width stays. */
  busy?: boolean;
}
interface Props extends Look, ButtonHTMLAttributes<HTMLButtonElement> {
  children?: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = 'plain', icon, busy = false, children, disabled, type = 'button', ...rest }: Props) {
  return (
    <button
      type={type}
      className={`${styles.button} ${styles[kind]}`}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** An icon alone; `label` is its name for screen readers and its tooltip. */
export function IconButton({ icon, label, kind = 'quiet', ...rest }: Props & { icon: IconName; label: string }) {
  return (
    <button type="button" className={`${styles.button} ${styles[kind]} ${styles.square}`} title={label} {...rest}>
      <Icon name={icon} />
      <span className="visually-hidden">{label}</span>
    </button>
  );
}

export function ButtonLink({ to, kind = 'plain', icon, children }: Look & { to: string; children: ReactNode }) {
  return (
    <Link to={to} className={`${styles.button} ${styles[kind]}`}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
