// The bodies a person started a process with, the last one first, in this browser alone.

const KEPT = 8;
const LARGEST = 20_000;

const keyOf = (process: string) => `segue.bodies.${process}`;

export function recentBodies(process: string, storage: Storage = localStorage): string[] {
  try {
    const found: unknown = JSON.parse(storage.getItem(keyOf(process)) ?? '[]');
    return Array.isArray(found) ? found.filter((each): each is string => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

export function rememberBody(process: string, body: string, storage: Storage = localStorage): void {
  if (body.length > LARGEST) return;
  const others = recentBodies(process, storage).filter((each) => each !== body);
  try {
    storage.setItem(keyOf(process), JSON.stringify([body, ...others].slice(0, KEPT)));
  } catch {
    // A browser that keeps nothing is no reason not to start.
  }
}

/** What is wrong with a text that should be JSON; null when nothing is. */
export function jsonFault(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The JSON set in lines; the text as it is when it is none, or when numbers would not survive. */
export function pretty(text: string): string {
  try {
    const made = JSON.stringify(JSON.parse(text), null, 2);
    // JavaScript's numbers are not all of JSON's: where they would change nothing is reformatted.
    const bare = (each: string) => each.replace(/\s+/g, '');
    return bare(made) === bare(text) ? made : text;
  } catch {
    return text;
  }
}
