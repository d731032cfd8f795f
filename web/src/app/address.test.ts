// Addresses find their view.
import { describe, expect, it } from 'vitest';
import { match, parseLocation } from './address';

describe('addresses', () => {
  it('match patterns with parameters', () => {
    expect(match('/jobs/:id', '/jobs/job%201')).toEqual({ id: 'job 1' });
    expect(match('/jobs/:id', '/jobs')).toBeNull();
    expect(match('/jobs', '/jobs/')).toEqual({});
    expect(match('/nodes', '/jobs')).toBeNull();
  });

  it('split into path and query', () => {
    const { path, query } = parseLocation('#/jobs/7?frame=12');
    expect([path, query.get('frame')]).toEqual(['/jobs/7', '12']);
    expect(parseLocation('').path).toBe('/');
  });
});
