// Work that is not saved yet is kept in this browser, so that a crash, a lost connection or a closed tab loses nothing.

//
// There are two places. `now` holds what is being drawn, until it is saved. When the editor opens and finds something there,
// that moves to `offered`, and stays until somebody takes it back or drops it: what is drawn meanwhile does not touch it.

export interface Kept {
  xml: string;
  at: number;
  version: number | null;
  /** The revision that it was made from, so that one is told when there is a newer one; null without any. */
  revision: string | null;
}

type Place = 'now' | 'offered';

const keyOf = (process: string, place: Place) => `segue.edit.${place === 'now' ? '' : `${place}.`}${process}`;

export function remember(process: string, kept: Kept, place: Place = 'now', storage: Storage = localStorage): void {
  try {
    storage.setItem(keyOf(process, place), JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing is no reason not to draw.
  }
}

export function recall(process: string, place: Place = 'now', storage: Storage = localStorage): Kept | null {
  try {
    const found = JSON.parse(storage.getItem(keyOf(process, place)) ?? 'null') as Partial<Kept> | null;
    if (typeof found?.xml !== 'string' || typeof found.at !== 'number') return null;
    return { xml: found.xml, at: found.at, version: found.version ?? null, revision: found.revision ?? null };
  } catch {
    return null;
  }
}

export function forget(process: string, place: Place = 'now', storage: Storage = localStorage): void {
  try {
    storage.removeItem(keyOf(process, place));
  } catch {
    // Nothing was kept then.
  }
}

/** What is to be offered when the editor opens on a drawing, which is that of `saved`. */
export function offer(process: string, saved: string, storage: Storage = localStorage): Kept | null {
  const left = recall(process, 'now', storage);
  forget(process, 'now', storage);
  if (left && left.xml !== saved) remember(process, left, 'offered', storage);
  const found = recall(process, 'offered', storage);
  if (found?.xml === saved) {
    forget(process, 'offered', storage);
    return null;
  }
  return found;
}
