// What nodes are called, for lists that know only their ids.
import { useQueries } from '@tanstack/react-query';

import { nodesOf } from '../api/queries';

// So many versions are asked for at most; the nodes of others show their ids.
const MOST = 40;

interface Place {
  process: string;
  version: number;
}

/** The name of a node of one of these versions; its id until it is known, and where it is not. */
export function useNames(places: Place[]): (process: string, version: number, node: string) => string {
  const keys = [...new Set(places.map((each) => `${each.version} ${each.process}`))].slice(0, MOST);
  const found = useQueries({
    queries: keys.map((key) => ({ ...nodesOf(key.slice(key.indexOf(' ') + 1), Number(key.slice(0, key.indexOf(' ')))), staleTime: 60_000 })),
  });
  const names = new Map<string, string>();
  keys.forEach((key, at) => {
    for (const node of found[at]?.data ?? []) names.set(`${key} ${node.id}`, node.label);
  });
  return (process, version, node) => names.get(`${version} ${process} ${node}`) ?? node;
}
