// The server as the pages know it: the generated client, problems as errors, and the proof that changes come from here.
import createClient from 'openapi-fetch';

import { t } from '../texts';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

let csrf = '';
let onSignedOut: () => void = () => undefined;

export function setCsrf(value: string | null): void {
  csrf = value ?? '';
}

export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

export const api = createClient<paths>({ baseUrl: '', headers: {} });

api.use({
  onRequest({ request }) {
    if (request.method !== 'GET' && request.method !== 'HEAD') request.headers.set('X-CSRF-Token', csrf);
    return request;
  },
  onError() {
    return new Problem(0, 'unreachable', t.offline);
  },
});

export function problemOf(status: number, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body && 'detail' in body) {
    const { code, detail, ...extra } = body as { code: unknown; detail: unknown };
    return new Problem(status, String(code), String(detail), extra);
  }
  return new Problem(status, 'unknown', typeof body === 'string' && body ? body.slice(0, 300) : `HTTP ${status}`);
}

type Answer<D> = { data?: D; error?: unknown; response: Response };

/** What a request answered. Throws Problem for everything else. */
export async function ask<D>(request: Promise<Answer<D>>): Promise<D> {
  const { data, error, response } = await request;
  if (error !== undefined || !response.ok) {
    if (response.status === 401) onSignedOut();
    throw problemOf(response.status, error);
  }
  return data as D;
}

/** A file of the server as text. */
export async function askText(path: string): Promise<string> {
  const response = await fetch(path).catch(() => {
    throw new Problem(0, 'unreachable', t.offline);
  });
  if (!response.ok) throw problemOf(response.status, await response.json().catch(() => null));
  return response.text();
}

/** Send a file or a body as it is. */
export async function send<D>(
  method: 'PUT' | 'POST',
  path: string,
  body: BodyInit,
  type: string,
  more: Record<string, string> = {},
): Promise<D> {
  const headers = { 'Content-Type': type, 'X-CSRF-Token': csrf, ...more };
  const response = await fetch(path, { method, body, headers }).catch(() => {
    throw new Problem(0, 'unreachable', t.offline);
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response.status, answer);
  return answer as D;
}
