// The token this browser signs in with. It arrives once in the address (`#token=…`, opened by `rayswarm studio`), is
// kept in localStorage and taken out of the address bar at once, so that it lands in no history and no screenshot.
import { createStore, remembered } from './store';

export type Session = { state: 'signed_in'; token: string } | { state: 'signed_out'; refused: boolean };

function tokenInAddress(): string | null {
  const fragment = new URLSearchParams(location.hash.replace(/^#\/?\??/, ''));
  const token = fragment.get('token');
  if (!token) return null;
  fragment.delete('token');
  const view = fragment.get('view') ?? '';
  history.replaceState(null, '', `${location.pathname}${location.search}#/${view}`);
  return token;
}

function firstSession(): Session {
  const fresh = tokenInAddress();
  if (fresh) remembered.write('token', fresh);
  const token = fresh ?? remembered.read('token');
  return token ? { state: 'signed_in', token } : { state: 'signed_out', refused: false };
}

export const session = createStore<Session>(firstSession());

export function currentToken(): string | null {
  const now = session.get();
  return now.state === 'signed_in' ? now.token : null;
}

export function signIn(token: string): void {
  remembered.write('token', token.trim());
  session.set({ state: 'signed_in', token: token.trim() });
}

export function signOut(): void {
  remembered.write('token', null);
  session.set({ state: 'signed_out', refused: false });
}

/** The node answered 401. Only the token that was sent is given up: a newer one may already be in place. */
export function tokenRefused(token: string | null): void {
  if (token !== currentToken()) return;
  remembered.write('token', null);
  session.set({ state: 'signed_out', refused: true });
}

// A link opened by `rayswarm studio` in a tab that already shows the studio only changes the fragment.
window.addEventListener('hashchange', () => {
  if (!location.hash.includes('token=')) return;
  const token = tokenInAddress();
  if (token) signIn(token);
});
