// The state of a page lives in its address, so that it can be sent to somebody and the Back button undoes it.
import { useCallback } from 'react';
import { useSearchParams } from 'wouter';

/** One parameter of the address, and how to change it; an empty value takes it away. */
export function useParameter(name: string): [string, (value: string | null | undefined, replace?: boolean) => void] {
  const [parameters, setParameters] = useSearchParams();
  const set = useCallback(
    (value: string | null | undefined, replace = false) =>
      setParameters(
        (old) => {
          const next = new URLSearchParams(old);
          if (value) next.set(name, value);
          else next.delete(name);
          return next;
        },
        { replace },
      ),
    [name, setParameters],
  );
  return [parameters.get(name) ?? '', set];
}

export function useParameters() {
  const [parameters, setParameters] = useSearchParams();
  const change = useCallback(
    (values: Record<string, string | null | undefined>) =>
      setParameters((old) => {
        const next = new URLSearchParams(old);
        for (const [name, value] of Object.entries(values)) {
          if (value) next.set(name, value);
          else next.delete(name);
        }
        return next;
      }),
    [setParameters],
  );
  return [parameters, change] as const;
}

/** A number of the address, or undefined for what is none. */
export function numberOf(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}

export function href(path: string, parameters: Record<string, string | number | null | undefined> = {}): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value) found.set(name, String(value));
  const text = found.toString();
  return text ? `${path}?${text}` : path;
}

export const processHref = (name: string, parameters: Record<string, string | number | null | undefined> = {}) =>
  href(`/process/${encodeURIComponent(name)}`, parameters);
