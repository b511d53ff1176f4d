// Log lines as they are written. The browser resumes with the number of the last line it saw, so that none is left out.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import type { Schemas } from '../api/client';
import { given, type LogWhere } from '../api/queries';
import { href } from '../lib/url';

export type Line = Schemas['LogOut'];
export type TailState = 'off' | 'connecting' | 'live' | 'stale';

const MOST = 500;
const RETRY_MS = 3000;
// Lines come in swarms; they are shown together.
const GATHER_MS = 150;

/** The newest first, each once, no more than can be looked at. */
export function merged(tail: Line[], stored: Line[]): Line[] {
  if (tail.length === 0) return stored;
  const seen = new Set(tail.map((line) => line.seq));
  return [...tail, ...stored.filter((line) => !seen.has(line.seq))].sort((a, b) => b.seq - a.seq);
}

export const held = (before: Line[], come: Line[]): Line[] => merged([...come].reverse(), before).slice(0, MOST);

export function useTail(where: LogWhere, on: boolean): { lines: Line[]; state: TailState } {
  const client = useQueryClient();
  const [lines, setLines] = useState<Line[]>([]);
  const [state, setState] = useState<TailState>('off');
  const address = href('/api/v1/logs/tail', given(where) as Record<string, string | number>);
  useEffect(() => {
    setLines([]);
    if (!on) {
      setState('off');
      return undefined;
    }
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let showing: ReturnType<typeof setTimeout> | undefined;
    let come: Line[] = [];
    const show = () => {
      showing = undefined;
      const these = come;
      come = [];
      setLines((before) => held(before, these));
    };
    const connect = () => {
      setState('connecting');
      source = new EventSource(address);
      source.onopen = () => {
        setState('live');
        // What was written between the list and the stream is in a newer list.
        void client.invalidateQueries({ queryKey: ['logs'] });
      };
      source.addEventListener('line', (event) => {
        come.push(JSON.parse((event as MessageEvent<string>).data) as Line);
        showing ??= setTimeout(show, GATHER_MS);
      });
      source.onerror = () => {
        setState('stale');
        // The browser tries again by itself unless the server refused; then it is for us to do.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, RETRY_MS);
      };
    };
    connect();
    return () => {
      source.close();
      clearTimeout(again);
      clearTimeout(showing);
    };
  }, [address, on, client]);
  return { lines, state };
}
