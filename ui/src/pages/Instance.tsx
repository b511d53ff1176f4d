import { Alert, Anchor, Button, Card, Drawer, Group, SimpleGrid, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useChange, useDrawing, useInstance, useNodes } from '../api/queries';
import type { Mark } from '../diagram/marks';
import { Hop } from '../instance/Hop';
import { Waterfall } from '../instance/Waterfall';
import { wayOf } from '../lib/path';
import { duration, instant, micros } from '../lib/time';
import { href, processHref, useParameter } from '../lib/url';
import { LogList } from '../logs/LogList';
import { t } from '../texts';
import { LazyDiagram } from '../ui/LazyDiagram';
import { Act, Confirm, Empty, Fact, Id, Page, Rows, Shown, State, TabLine, When, type Question } from '../ui/parts';

type Detail = Schemas['InstanceDetailOut'];

export default function InstancePage({ id }: { id: string }) {
  const instance = useInstance(id);
  const [question, setQuestion] = useState<Question | null>(null);
  const cancel = useChange(() => ask(api.POST('/api/v1/instances/{id}/cancel', { params: { path: { id } } })), {
    fresh: ['instance', 'instances', 'queues', 'trash', 'tasks'],
    said: () => t.instance.cancelled,
  });
  const live = instance.data?.live ?? 0;
  return (
    <Page
      title={t.instance.title}
      side={
        live > 0 && (
          <Act
            needs="operate"
            color="red"
            variant="light"
            loading={cancel.isPending}
            onClick={() =>
              setQuestion({
                title: t.instance.cancel,
                text: t.instance.cancelAsk(live),
                yes: t.instance.cancel,
                danger: true,
                act: () => cancel.mutate(undefined),
              })
            }
          >
            {t.instance.cancel}
          </Act>
        )
      }
    >
      <Shown of={instance} rows={8}>
        {(data) => (
          <>
            <Facts of={data} />
            <Parts of={data} />
          </>
        )}
      </Shown>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

function Facts({ of }: { of: Detail }) {
  return (
    <Card withBorder>
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <Fact name={t.instances.id}>
          <Id value={of.id} />
        </Fact>
        <Fact name={t.instances.state}>
          <State of={of.state} />
        </Fact>
        <Fact name={t.instances.process}>
          <Anchor component={Link} href={processHref(of.process, { version: of.version })} underline="always">
            {of.process} v{of.version}
          </Anchor>
        </Fact>
        {of.start_node && <Fact name={t.instance.startNode}>{of.start_node}</Fact>}
        <Fact name={t.instances.started}>{instant(of.started)}</Fact>
        <Fact name={t.instances.took}>{of.finished ? duration(of.finished - of.started) : '–'}</Fact>
        <Fact name={t.instances.live}>
          {of.live}
          {of.trash > 0 && (
            <>
              {' '}
              (
              <Anchor component={Link} href={href('/trash', { instance: of.id })} underline="always" size="sm">
                {of.trash} {t.trash.title.toLowerCase()}
              </Anchor>
              )
            </>
          )}
        </Fact>
        <Fact name={`${t.instances.ok} / ${t.instances.failed}`}>
          {of.ok} / {of.failed}
        </Fact>
        {of.origin && (
          <Fact name={t.instance.origin}>
            <Id value={of.origin} to={`/instance/${of.origin}`} />
          </Fact>
        )}
      </SimpleGrid>
    </Card>
  );
}

const TABS = ['path', 'waterfall', 'steps', 'messages', 'logs'] as const;

function Parts({ of }: { of: Detail }) {
  const [wanted, setTab] = useParameter('tab');
  const [message, setMessage] = useParameter('message');
  const tab = TABS.find((each) => each === wanted) ?? 'path';
  const nodes = useNodes(of.process, of.version);
  const nameOf = (id: string) => nodes.data?.find((node) => node.id === id)?.label ?? id;
  return (
    <Tabs value={tab} onChange={(value) => setTab(value === 'path' ? null : value)} keepMounted={false}>
      <TabLine chosen={tab}>
        {TABS.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {t.instance[each]}
          </Tabs.Tab>
        ))}
      </TabLine>
      <Tabs.Panel value="path" pt="md">
        <Path of={of} nameOf={nameOf} open={setMessage} />
      </Tabs.Panel>
      <Tabs.Panel value="waterfall" pt="md">
        <Waterfall of={of} nameOf={nameOf} open={setMessage} chosen={message} />
      </Tabs.Panel>
      <Tabs.Panel value="steps" pt="md">
        <Steps steps={of.steps} nameOf={nameOf} open={setMessage} />
      </Tabs.Panel>
      <Tabs.Panel value="messages" pt="md">
        <Messages of={of} nameOf={nameOf} open={setMessage} />
      </Tabs.Panel>
      <Tabs.Panel value="logs" pt="md">
        <LogList where={{ instance: of.id }} />
      </Tabs.Panel>
      <Drawer
        opened={message !== ''}
        onClose={() => setMessage(null)}
        position="right"
        size="xl"
        title={t.hop.title(nameOf(nodeOf(of, message) ?? ''))}
        closeButtonProps={{ 'aria-label': t.close }}
      >
        {message !== '' && <Hop key={message} of={of} message={message} nameOf={nameOf} open={setMessage} />}
      </Drawer>
    </Tabs>
  );
}

function nodeOf(of: Detail, message: string): string | undefined {
  return of.steps.find((each) => each.message === message)?.node ?? of.messages.find((each) => each.id === message)?.node;
}

function Path({ of, nameOf, open }: { of: Detail; nameOf: (id: string) => string; open: (message: string) => void }) {
  const drawing = useDrawing(of.process, of.version);
  const [node, setNode] = useParameter('node');
  const here = of.steps.filter((step) => step.node === node);
  const way = wayOf(of);
  const marks: Mark[] = [
    ...[...way.passed].map(([node, count]): Mark => ({ node, kind: 'flight', text: `✓ ${count}`, about: t.instance.passed(count) })),
    ...[...way.here].map(([node, count]): Mark => ({
      node,
      kind: way.stuck.has(node) ? 'trash' : 'queue',
      text: String(count),
      about: way.stuck.has(node) ? t.trash.title : t.instance.messages,
    })),
  ];
  return (
    <Stack>
      <Shown of={drawing} rows={8}>
        {(xml) => (
          <LazyDiagram
            xml={xml}
            label={t.process.diagramOf(of.process, of.version)}
            marks={marks}
            painted={{ chosen: node, passed: [...way.passed.keys()], stuck: [...way.stuck] }}
            choose={(id) => {
              const live = of.messages.find((message) => message.node === id);
              const steps = of.steps.filter((step) => step.node === id);
              setNode(steps.length > 0 ? id : null, true);
              if (live && steps.length === 0) open(live.id);
              else if (steps.length === 1 && !live) open(steps[0]!.message);
            }}
          />
        )}
      </Shown>
      {here.length > 0 && (
        <section aria-label={nameOf(node)}>
          <Title order={2} size="h5" mb="xs">
            {nameOf(node)}
          </Title>
          <Steps steps={here} nameOf={nameOf} open={open} />
        </section>
      )}
    </Stack>
  );
}

function Steps({ steps, nameOf, open }: { steps: Detail['steps']; nameOf: (id: string) => string; open: (message: string) => void }) {
  if (steps.length === 0) return <Empty title={t.instance.noSteps} />;
  return (
    <Rows
      label={t.instance.steps}
      head={['', t.instance.node, t.instance.outcome, t.instance.ended, t.instance.waited, t.instance.worked, t.instance.worker, t.hop.remote, t.instance.repeats, t.instance.status]}
    >
      {steps.map((step) => (
        <Table.Tr key={step.message}>
          <Table.Td>
            <Button size="compact-sm" variant="default" onClick={() => open(step.message)}>
              {t.hop.open}
            </Button>
          </Table.Td>
          <Table.Td>{nameOf(step.node)}</Table.Td>
          <Table.Td>{step.outcome}</Table.Td>
          <Table.Td>
            <When at={step.ended} />
          </Table.Td>
          <Table.Td>{step.taken ? duration(step.taken - step.entered) : '–'}</Table.Td>
          <Table.Td>{step.taken ? duration(step.ended - step.taken) : '–'}</Table.Td>
          <Table.Td>{step.worker_us ? micros(step.worker_us) : '–'}</Table.Td>
          <Table.Td>{step.remote_us ? micros(step.remote_us) : '–'}</Table.Td>
          <Table.Td>{step.repeats}</Table.Td>
          <Table.Td>{step.status ?? '–'}</Table.Td>
        </Table.Tr>
      ))}
    </Rows>
  );
}

function Messages({ of, nameOf, open }: { of: Detail; nameOf: (id: string) => string; open: (message: string) => void }) {
  if (of.messages.length === 0) return <Empty title={t.instance.noMessages} />;
  return (
    <Stack>
      {of.trash > 0 && <Alert color="red">{t.many(of.trash, 'message in trash', 'messages in trash')}</Alert>}
      <Rows label={t.instance.messages} head={[t.instance.node, t.instance.place, t.instance.entered, t.instance.due, t.instance.repeats, t.instance.reason, '']}>
        {of.messages.map((message) => (
          <Table.Tr key={message.id}>
            <Table.Td>{nameOf(message.node)}</Table.Td>
            <Table.Td>{message.place}</Table.Td>
            <Table.Td>
              <When at={message.entered} />
            </Table.Td>
            <Table.Td>{message.due ? <When at={message.due} /> : '–'}</Table.Td>
            <Table.Td>{message.repeats}</Table.Td>
            <Table.Td>
              <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                {message.reason ?? '–'}
              </Text>
            </Table.Td>
            <Table.Td>
              <Group>
                <Button size="compact-sm" variant="default" onClick={() => open(message.id)}>
                  {t.hop.open}
                </Button>
                {message.place === 'trash' && (
                  <Anchor component={Link} size="sm" underline="always" href={href('/trash', { id: message.id })}>
                    {t.trash.title}
                  </Anchor>
                )}
                {message.place === 'waiting' && (
                  <Anchor component={Link} size="sm" underline="always" href={href('/tasks', { id: message.id })}>
                    {t.tasks.title}
                  </Anchor>
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Rows>
    </Stack>
  );
}
