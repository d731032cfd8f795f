// Light, dark, or as the system says. The choice is an attribute on <html>; tokens.css does the rest.
import { createStore, remembered } from './store';

export type ThemeChoice = 'system' | 'light' | 'dark';

function stored(): ThemeChoice {
  const value = remembered.read('theme');
  return value === 'light' || value === 'dark' ? value : 'system';
}

export const theme = createStore<ThemeChoice>(stored());
/** What is on screen now; canvases read their colours again when it changes. */
export const shownTheme = createStore<'light' | 'dark'>('light');

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const choice = theme.get();
  const shown = choice === 'system' ? (systemDark.matches ? 'dark' : 'light') : choice;
  document.documentElement.dataset.theme = shown;
  shownTheme.set(shown);
}

export function chooseTheme(choice: ThemeChoice): void {
  remembered.write('theme', choice === 'system' ? null : choice);
  theme.set(choice);
}

export function startTheme(): void {
  theme.subscribe(apply);
  systemDark.addEventListener('change', apply);
  apply();
}
