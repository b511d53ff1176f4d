// The first look around: a few steps that walk through the pages, on the processes that there are.
import { Button, Card, Group, Portal, Text, Title } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';

import { useProcesses } from '../api/queries';
import { enabledOf } from '../lib/folders';
import { processHref } from '../lib/url';
import { t } from '../texts';

const SEEN = 'segue.tour';
// A dialog that one leaves takes so long to fade away.
const QUIET_MS = 400;
const STEPS = ['home', 'processes', 'diagram', 'instances', 'trash', 'help'] as const;
const listeners = new Set<() => void>();

export function showTour(): void {
  listeners.forEach((listener) => listener());
}

function wasSeen(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true;
  }
}

function remember(): void {
  try {
    localStorage.setItem(SEEN, '1');
  } catch {
    // It is shown again next time; that is all.
  }
}

export function Tour() {
  const [at, setAt] = useState<number | null>(() => (wasSeen() ? null : 0));
  const [path, go] = useLocation();
  const [begun, setBegun] = useState(false);
  const processes = useProcesses(at !== null);
  const known = processes.data?.length ?? 0;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const listener = () => {
      setAt(0);
      setBegun(true);
    };
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  useEffect(() => {
    // Without a process there is nothing to look around in, and nobody is led away from what they are doing.
    if (begun || at === null || known === 0 || path.endsWith('/edit')) return undefined;
    const timer = setTimeout(() => !document.querySelector('[aria-modal=true]') && setBegun(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, [begun, at, known, path]);
  useEffect(() => box.current?.focus(), [at, begun]);
  if (at === null || !begun || !processes.data?.length) return null;

  const shown = processes.data.find((each) => enabledOf(each)) ?? processes.data[0]!;
  const addresses: Record<(typeof STEPS)[number], string> = {
    home: '/',
    processes: '/processes',
    diagram: processHref(shown.name),
    instances: '/instances',
    trash: '/trash',
    help: '/help',
  };
  const move = (to: number) => {
    setAt(to);
    go(addresses[STEPS[to]!]);
  };
  const end = () => {
    remember();
    setAt(null);
  };
  const [title, text] = t.tour.steps[STEPS[at]!]!;
  const last = at === STEPS.length - 1;
  return (
    <Portal>
      <Card
        ref={box}
        className="tour"
        shadow="xl"
        withBorder
        role="dialog"
        aria-label={t.tour.title}
        tabIndex={-1}
        onKeyDown={(event) => event.key === 'Escape' && end()}
      >
        <Text size="xs" c="dimmed">
          {t.tour.title} · {t.tour.step(at + 1, STEPS.length)}
        </Text>
        <Title order={2} size="h4" my={4}>
          {title}
        </Title>
        <Text size="sm">{text}</Text>
        <Group justify="space-between" mt="sm">
          <Button size="compact-sm" variant="subtle" onClick={end}>
            {t.tour.skip}
          </Button>
          <Group gap="xs">
            {at > 0 && (
              <Button size="compact-sm" variant="default" onClick={() => move(at - 1)}>
                {t.tour.back}
              </Button>
            )}
            <Button size="compact-sm" onClick={() => (last ? end() : move(at + 1))}>
              {last ? t.tour.end : t.tour.next}
            </Button>
          </Group>
        </Group>
      </Card>
    </Portal>
  );
}
