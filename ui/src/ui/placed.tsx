// Messages that wait for a person: trash and user tasks. Causes first, then messages, then one of them.
import { Anchor, Button, Card, Drawer, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';

import { api, ask } from '../api/client';
import type { Schemas } from '../api/client';
import { useCauses } from '../api/outside';
import { useChange, usePlaced, type PlacedWhere } from '../api/queries';
import { numberOf, useParameters } from '../lib/url';
import { t } from '../texts';
import { Operations } from './Operations';
import { PlacedEditor } from './PlacedEditor';
import { Act, Confirm, Empty, Id, More, Rows, Shown, When, type Question } from './parts';

type Place = 'trash' | 'tasks';
type Cause = Schemas['CauseOut'];
const PARAMETERS = ['process', 'version', 'node', 'reason_code', 'instance', 'cause'] as const;

export function PlacedList({ place, process }: { place: Place; process?: string }) {
  const [parameters, change] = useParameters();
  const own: PlacedWhere = {
    process: process ?? (parameters.get('process') || undefined),
    // On the page of a process its version belongs to the diagram.
    version: process ? undefined : numberOf(parameters.get('version')),
    node: process ? undefined : parameters.get('node') || undefined,
    reason_code: parameters.get('reason_code') || undefined,
    instance: parameters.get('instance') || undefined,
    cause: place === 'trash' ? parameters.get('cause') || undefined : undefined,
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
      <Operations />
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
  const causes = useCauses(where);
  const [question, setQuestion] = useState<Question | null>(null);
  const begin = useChange(
    ({ cause, kind }: { cause: Cause; kind: 'resend' | 'discard' }) =>
      ask(api.POST('/api/v1/operations', { body: { kind, filter: { process: cause.process, cause: cause.cause } } })),
    { fresh: ['operations', 'trash'] },
  );
  const askFor = (cause: Cause, kind: 'resend' | 'discard') => {
    const what = `${cause.process}, ${cause.node}: ${cause.reason ?? cause.reason_code ?? ''}`;
    setQuestion({
      title: kind === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      text: kind === 'resend' ? t.trash.resendAsk(what) : t.trash.discardAsk(what),
      yes: kind === 'resend' ? t.trash.resendAll : t.trash.discardAll,
      danger: kind === 'discard',
      act: () => begin.mutate({ cause, kind }),
    });
  };
  return (
    <Stack gap="xs" component="section" aria-label={t.trash.groups}>
      <Title order={2} size="h5">
        {t.trash.groups}
      </Title>
      <Shown of={causes} rows={2}>
        {(data) => (
          <>
            {data.map((cause) => (
              <Card key={`${cause.process} ${cause.cause}`} withBorder padding="sm">
                <Group justify="space-between" gap="xs">
                  <div style={{ minWidth: 0, flex: '1 1 280px' }}>
                    <Anchor component="button" type="button" size="sm" fw={600} ta="left" onClick={() => narrow({ process: cause.process, cause: cause.cause })}>
                      {cause.count.toLocaleString('en')} · {cause.process} {cause.versions.map((version) => `v${version}`).join(', ')} · {cause.node}
                    </Anchor>
                    <Text size="sm" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
                      {cause.reason ?? cause.reason_code}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {t.trash.entered} <When at={cause.oldest} /> · {t.trash.newest} <When at={cause.newest} />
                    </Text>
                  </div>
                  <Group gap="xs">
                    <Act needs="operate" size="compact-sm" loading={begin.isPending} onClick={() => askFor(cause, 'resend')}>
                      {t.trash.resendAll}
                    </Act>
                    <Act needs="operate" size="compact-sm" variant="default" loading={begin.isPending} onClick={() => askFor(cause, 'discard')}>
                      {t.trash.discardAll}
                    </Act>
                  </Group>
                </Group>
              </Card>
            ))}
          </>
        )}
      </Shown>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}
