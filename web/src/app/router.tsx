// Addresses of views: `#/jobs/ID?frame=12`. The fragment is used so that the node serves one page and needs no rewrite
// rules. A route names its view's module, which is fetched when first opened.
import { type AnchorHTMLAttributes, type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { type Location, type Params, parseLocation } from './address';
import { createStore, useStore } from './store';

export interface ViewProps {
  params: Params;
}
export interface Route {
  pattern: string;
  View: LazyExoticComponent<ComponentType<ViewProps>>;
}

/** `route('/jobs/:id', () => import('@/features/job/JobView'))`; the module's default export is the view. */
export function route(pattern: string, load: () => Promise<{ default: ComponentType<ViewProps> }>): Route {
  return { pattern, View: lazy(load) };
}

const here = createStore<Location>(parseLocation(location.hash));
window.addEventListener('hashchange', () => here.set(parseLocation(location.hash)));

export function useLocation(): Location {
  return useStore(here);
}

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) {
    history.replaceState(null, '', `#${to}`);
    here.set(parseLocation(`#${to}`));
  } else {
    location.hash = to;
  }
}

/** Changes values of the query in place (filters, the frame looked at), without a new entry in the history. */
export function setQuery(changes: Record<string, string | null>): void {
  const { path, query } = here.get();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  navigate(`${path}${text && `?${text}`}`, { replace: true });
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
}
export function Link({ to, ...rest }: LinkProps) {
  return <a href={`#${to}`} {...rest} />;
}
