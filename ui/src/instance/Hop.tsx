// One message at one node: how it went, what came in, what went out, what was said; and running again from here.
import { Accordion, Button, Group, SimpleGrid, Stack, Text } from '@mantine/core';
import { IconRepeat } from '@tabler/icons-react';
import { useState } from 'react';

import type { Schemas } from '../api/client';
import { useLogs } from '../api/queries';
import { duration, instant, micros } from '../lib/time';
import { href } from '../lib/url';
import { t } from '../texts';
import { Act, Fact, Id, Shown, State } from '../ui/parts';
import { Again } from './Again';
import { HeldBy } from './Held';

type Detail = Schemas['InstanceDetailOut'];
const SHOWN = 20;

export function Hop({ of, message, nameOf, open }: { of: Detail; message: string; nameOf: (id: string) => string; open: (message: string) => void }) {
  const step = of.steps.find((each) => each.message === message);
  const live = of.messages.find((each) => each.id === message);
  const [again, setAgain] = useState(false);
  const node = step?.node ?? live?.node;
  if (node === undefined) return null;
  const children = [...of.steps.filter((each) => each.parent === message).map((each) => ({ id: each.message, node: each.node })), ...of.messages.filter((each) => each.parent === message)];
  const parent = step?.parent ?? live?.parent ?? null;
  return (
    <Stack>
      <Group justify="space-between">
        <Group gap="xs">
          <State of={step ? stateOf(step.outcome) : live!.place} text={step?.outcome ?? live!.place} />
          {parent && (
            <Button size="compact-sm" variant="subtle" onClick={() => open(parent)}>
              {t.instance.parent} {nameOf(of.steps.find((each) => each.message === parent)?.node ?? parent)}
            </Button>
          )}
        </Group>
        <Act needs="operate" size="compact-sm" variant="default" leftSection={<IconRepeat size={14} />} onClick={() => setAgain(true)}>
          {t.hop.again}
        </Act>
      </Group>
      {live && <Waits message={live} />}
      {step && <Times step={step} />}
      <section aria-label={t.hop.input}>
        <Text fw={600} size="sm" mb={4}>
          {t.hop.input}
        </Text>
        <HeldBy instance={of.id} message={message} />
      </section>
      {step && (
        <section aria-label={t.hop.output}>
          <Text fw={600} size="sm" mb={4}>
            {t.hop.output}
          </Text>
          <Text size="sm">{t.hop.outputs(Math.max(step.produced, children.length))}</Text>
          {children.length > SHOWN && <Text size="sm">{t.hop.showing(SHOWN, children.length)}</Text>}
          <Accordion variant="contained" mt="xs" defaultValue={children.length === 1 ? children[0]!.id : null}>
            {children.slice(0, SHOWN).map((child) => (
              <Accordion.Item key={child.id} value={child.id}>
                <Accordion.Control>{t.hop.title(nameOf(child.node))}</Accordion.Control>
                <Accordion.Panel>
                  <Output instance={of.id} message={child.id} open={open} />
                </Accordion.Panel>
              </Accordion.Item>
            ))}
          </Accordion>
        </section>
      )}
      <Lines instance={of.id} message={message} />
      <Again opened={again} close={() => setAgain(false)} of={of} message={message} name={nameOf(node)} />
    </Stack>
  );
}

function Output({ instance, message, open }: { instance: string; message: string; open: (message: string) => void }) {
  return (
    <Stack gap="xs">
      <HeldBy instance={instance} message={message} />
      <Group>
        <Button size="compact-sm" variant="default" onClick={() => open(message)}>
          {t.hop.open}
        </Button>
      </Group>
    </Stack>
  );
}

const stateOf = (outcome: string) => (['failed', 'discarded', 'rejected'].includes(outcome) ? 'failed' : outcome === 'cancelled' ? 'cancelled' : 'finished');

function Waits({ message }: { message: Detail['messages'][number] }) {
  return (
    <SimpleGrid cols={2} spacing="xs">
      <Fact name={t.hop.entered}>{instant(message.entered)}</Fact>
      {message.due > 0 && <Fact name={t.instance.due}>{instant(message.due)}</Fact>}
      <Fact name={t.hop.attempts}>{message.repeats + message.outages}</Fact>
      {message.reason && <Fact name={t.hop.waitsFor}>{message.reason}</Fact>}
      {message.place === 'trash' && <Fact name={t.trash.title}>{<Id value={message.id} to={href('/trash', { id: message.id })} />}</Fact>}
      {message.place === 'waiting' && <Fact name={t.tasks.title}>{<Id value={message.id} to={href('/tasks', { id: message.id })} />}</Fact>}
    </SimpleGrid>
  );
}

function Times({ step }: { step: Detail['steps'][number] }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3 }} spacing="xs">
      <Fact name={t.hop.entered}>{instant(step.entered)}</Fact>
      <Fact name={t.instance.waited}>{step.taken ? duration(step.taken - step.entered) : '–'}</Fact>
      <Fact name={t.instance.worked}>{step.taken ? duration(step.ended - step.taken) : '–'}</Fact>
      <Fact name={t.instance.worker}>{step.worker_us ? micros(step.worker_us) : '–'}</Fact>
      <Fact name={t.hop.remote}>{step.remote_us ? micros(step.remote_us) : '–'}</Fact>
      <Fact name={t.hop.cpu}>{step.cpu_us ? micros(step.cpu_us) : '–'}</Fact>
      <Fact name={t.hop.attempts}>{step.repeats + 1}</Fact>
      <Fact name={t.instance.status}>{step.status ?? '–'}</Fact>
      <Fact name={t.hop.ended}>{instant(step.ended)}</Fact>
    </SimpleGrid>
  );
}

function Lines({ instance, message }: { instance: string; message: string }) {
  const logs = useLogs({ instance, message }, 'oldest', 500);
  return (
    <section aria-label={t.hop.logs}>
      <Text fw={600} size="sm" mb={4}>
        {t.hop.logs}
      </Text>
      <Shown of={logs} rows={1}>
        {(data) => {
          const lines = data.pages.flatMap((page) => page.items);
          if (lines.length === 0) return <Text size="sm">{t.hop.noLogs}</Text>;
          return (
            <Stack gap={6}>
              {lines.map((line) => (
                <Group key={line.seq} gap="xs" wrap="nowrap" align="flex-start">
                  <State of={line.level} text={line.level} />
                  <Text size="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                    {line.text}
                  </Text>
                </Group>
              ))}
            </Stack>
          );
        }}
      </Shown>
    </section>
  );
}
