// Messages that wait for a person: trash and user tasks. Causes first, then messages, then one of them.
import { Anchor, Button, Card, Drawer, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';

import { api, ask } from '../api/client';
import { given, useChange, usePlaced, type PlacedWhere } from '../api/queries';
import { groupTrash, type Group as Cause } from '../lib/groups';
import { numberOf, useParameters } from '../lib/url';
import { t } from '../texts';
import { PlacedEditor } from './PlacedEditor';
import { Act, Confirm, Empty, Id, More, Rows, Shown, When, type Question } from './parts';

type Place = 'trash' | 'tasks';
const PARAMETERS = ['process', 'version', 'node', 'reason_code', 'instance'] as const;
const GROUPED = 500;

export function PlacedList({ place, process }: { place: Place; process?: string }) {
  const [parameters, change] = useParameters();
  const own: PlacedWhere = {
    process: process ?? (parameters.get('process') || undefined),
    // On the page of a process its version belongs to the diagram.
    version: process ? undefined : numberOf(parameters.get('version')),
    node: process ? undefined : parameters.get('node') || undefined,
    reason_code: parameters.get('reason_code') || undefined,
    instance: parameters.get('instance') || undefined,
  };
  const found = usePlaced(place, own);
  const filtered = PARAMETERS.filter((name) => name !== 'process' || !process).filter((name) => own[name] !== undefined);
  return (
    <Stack>
      {filtered.length > 0 && (
        <Group gap="xs">
          <Text size="sm">
            {t.trash.filter}: {filtered.map((name) => `${name.replace('_', ' ')} ${own[name]}`).join(', ')}
          </Text>
          <Button size="compact-sm" variant="default" onClick={() => change(Object.fromEntries(filtered.map((name) => [name, null])))}>
            {t.trash.clear}
          </Button>
        </Group>
      )}
      <Shown of={found}>
        {(data) => {
          const items = data.pages.flatMap((page) => page.items);
          if (items.length === 0) {
            return <Empty title={t[place].empty} about={t[place].emptyAbout} />;
          }
          return (
            <>
              {place === 'trash' && <Causes where={own} narrow={(values) => change(values)} />}
              <Title order={2} size="h5">
                {place === 'trash' ? t.trash.messages : t.tasks.title}
              </Title>
              <Rows label={t[place].title} head={['', t.instances.process, t.trash.node, t.trash.entered, t.trash.reason, t.instances.id]}>
                {items.map((item) => (
                  <Table.Tr key={item.id} className={item.id === parameters.get('id') ? 'chosen' : undefined}>
                    <Table.Td>
                      <Button size="compact-sm" variant="default" onClick={() => change({ id: item.id })}>
                        {t.processes.open.split(' ')[0]}
                      </Button>
                    </Table.Td>
                    <Table.Td>
                      {item.process} v{item.version}
                    </Table.Td>
                    <Table.Td>{item.node}</Table.Td>
                    <Table.Td>
                      <When at={item.entered} />
                    </Table.Td>
                    <Table.Td>
                      <Text size="sm" lineClamp={2} maw={380} style={{ overflowWrap: 'anywhere' }}>
                        {item.reason ?? '–'}
                      </Text>
                    </Table.Td>
                    <Table.Td>
                      <Id value={item.instance} to={`/instance/${item.instance}`} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
              <More query={found} />
            </>
          );
        }}
      </Shown>
      <Drawer
        opened={Boolean(parameters.get('id'))}
        onClose={() => change({ id: null })}
        position="right"
        size="lg"
        title={place === 'trash' ? t.trash.title : t.tasks.title}
        closeButtonProps={{ 'aria-label': t.close }}
      >
        {parameters.get('id') && (
          <PlacedEditor key={parameters.get('id')} place={place} id={parameters.get('id')!} close={() => change({ id: null })} />
        )}
      </Drawer>
    </Stack>
  );
}

function Causes({ where, narrow }: { where: PlacedWhere; narrow: (values: Record<string, string | null>) => void }) {
  const found = usePlaced('trash', where, GROUPED);
  const [question, setQuestion] = useState<Question | null>(null);
  const bulk = useChange(
    ({ cause, act }: { cause: Cause; act: 'resend' | 'discard' }) => {
      const body = given({
        process: cause.process,
        version: cause.version,
        node: cause.node,
        reason_code: cause.reasonCode ?? undefined,
        instance: where.instance,
        at_most: 10_000,
      });
      return ask(act === 'resend' ? api.POST('/api/v1/trash/resend', { body }) : api.POST('/api/v1/trash/discard', { body }));
    },
    {
      fresh: ['trash', 'instances', 'queues', 'processes'],
      said: (result) => t.trash.done(result.done, result.gone, result.more),
    },
  );
  const page = found.data?.pages[0];
  if (!page) return null;
  const causes = groupTrash(page.items);
  const askFor = (cause: Cause, act: 'resend' | 'discard') => {
    const what = `${cause.process} v${cause.version}, ${cause.node}${cause.reasonCode ? `, ${cause.reasonCode}` : ''}`;
    setQuestion({
      title: act === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      text: act === 'resend' ? t.trash.resendAsk(what) : t.trash.discardAsk(what),
      yes: act === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      danger: act === 'discard',
      act: () => bulk.mutate({ cause, act }),
    });
  };
  return (
    <Stack gap="xs" component="section" aria-label={t.trash.groups}>
      <Title order={2} size="h5">
        {t.trash.groups}
      </Title>
      {causes.map((cause) => (
        <Card key={cause.key} withBorder padding="sm">
          <Group justify="space-between" gap="xs">
            <div style={{ minWidth: 0, flex: '1 1 280px' }}>
              <Anchor
                component="button"
                type="button"
                size="sm"
                fw={600}
                ta="left"
                onClick={() =>
                  narrow({ process: cause.process, version: String(cause.version), node: cause.node, reason_code: cause.reasonCode })
                }
              >
                {page.next ? t.trash.atLeast(cause.count) : cause.count} · {cause.process} v{cause.version} · {cause.node}
              </Anchor>
              <Text size="sm" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
                {cause.reason}
              </Text>
              <Text size="xs" c="dimmed">
                {t.trash.entered} <When at={cause.first} />
              </Text>
            </div>
            <Group gap="xs">
              <Act needs="operate" size="compact-sm" loading={bulk.isPending} onClick={() => askFor(cause, 'resend')}>
                {t.trash.resendAll}
              </Act>
              <Act needs="operate" size="compact-sm" variant="default" loading={bulk.isPending} onClick={() => askFor(cause, 'discard')}>
                {t.trash.discardAll}
              </Act>
            </Group>
          </Group>
        </Card>
      ))}
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}
