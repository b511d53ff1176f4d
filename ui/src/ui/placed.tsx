// Messages that wait for a person: trash and user tasks. Causes first, then messages, then one of them.
import { Button, Checkbox, Drawer, Group, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';

import { usePlaced, type PlacedWhere } from '../api/queries';
import { numberOf, useParameters } from '../lib/url';
import { t } from '../texts';
import { Causes, TaskGroups, useOperation } from './Groups';
import { Operations } from './Operations';
import { PlacedEditor } from './PlacedEditor';
import { Act, Confirm, Empty, Failure, Id, More, Rows, Shown, When, type Question } from './parts';

type Place = 'trash' | 'tasks';
const PARAMETERS = ['process', 'version', 'node', 'reason_code', 'instance', 'cause', 'text'] as const;

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
    text: place === 'trash' ? parameters.get('text') || undefined : undefined,
  };
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
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
      {place === 'trash' && <ReasonSearch key={own.text ?? ''} text={own.text ?? ''} look={(text) => change({ text: text || null })} />}
      <Shown of={found}>
        {(data) => {
          const items = data.pages.flatMap((page) => page.items);
          if (items.length === 0) {
            return filtered.length > 0 ? <Empty title={t.trash.nothingFound} /> : <Empty title={t[place].empty} about={t[place].emptyAbout} />;
          }
          const here = items.filter((item) => chosen.has(item.id)).map((item) => item.id);
          const toggle = (id: string) => choose(new Set(here.includes(id) ? here.filter((each) => each !== id) : [...here, id]));
          return (
            <>
              {place === 'trash' ? <Causes where={own} narrow={(values) => change(values)} /> : <TaskGroups where={own} />}
              <Group justify="space-between" mih={30}>
                <Title order={2} size="h5">
                  {place === 'trash' ? t.trash.messages : t.tasks.each}
                </Title>
                {here.length > 0 && <Chosen place={place} ids={here} done={() => choose(new Set())} />}
              </Group>
              <Rows
                label={t[place].title}
                head={[
                  <Checkbox
                    key="all"
                    size="xs"
                    radius="sm"
                    aria-label={t.trash.chooseAll}
                    checked={here.length === items.length}
                    indeterminate={here.length > 0 && here.length < items.length}
                    onChange={() => choose(new Set(here.length === items.length ? [] : items.map((item) => item.id)))}
                  />,
                  '',
                  t.instances.process,
                  t.trash.node,
                  t.trash.entered,
                  ...(place === 'trash' ? [t.trash.reason] : []),
                  t.instances.id,
                ]}
              >
                {items.map((item) => (
                  <Table.Tr key={item.id} className={item.id === parameters.get('id') ? 'chosen' : undefined}>
                    <Table.Td w={36}>
                      <Checkbox size="xs" radius="sm" aria-label={t.trash.choose(item.id)} checked={chosen.has(item.id)} onChange={() => toggle(item.id)} />
                    </Table.Td>
                    <Table.Td w={90}>
                      <Button size="compact-sm" variant="default" onClick={() => change({ id: item.id })}>
                        {t.open}
                      </Button>
                    </Table.Td>
                    <Table.Td>
                      {item.process} v{item.version}
                    </Table.Td>
                    <Table.Td title={item.node}>{item.node_name}</Table.Td>
                    <Table.Td>
                      <When at={item.since} />
                    </Table.Td>
                    {place === 'trash' && (
                      <Table.Td>
                        <Text size="sm" lineClamp={2} miw={160} maw={460} style={{ overflowWrap: 'anywhere' }}>
                          {item.reason ?? '–'}
                        </Text>
                      </Table.Td>
                    )}
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
        title={t[place].one}
        closeButtonProps={{ 'aria-label': t.close }}
      >
        {parameters.get('id') && (
          <PlacedEditor key={parameters.get('id')} place={place} id={parameters.get('id')!} close={() => change({ id: null })} />
        )}
      </Drawer>
    </Stack>
  );
}

/** What is done to the messages that were chosen one by one. */
function Chosen({ place, ids, done }: { place: Place; ids: string[]; done: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const begin = useOperation(done);
  const [yes, no] = place === 'trash' ? (['resend', 'discard'] as const) : (['accept', 'reject'] as const);
  const name = { resend: t.trash.resend, discard: t.trash.discard, accept: t.tasks.accept, reject: t.tasks.reject };
  const about = { resend: t.trash.resendChosen, discard: t.trash.discardChosen, accept: t.tasks.acceptChosen, reject: t.tasks.rejectChosen };
  const askFor = (kind: typeof yes | typeof no) =>
    setQuestion({ title: name[kind], text: about[kind](ids.length), yes: name[kind], danger: kind === no, act: () => begin.mutate({ kind, filter: { ids } }) });
  return (
    <Group gap="xs">
      {begin.error && <Failure error={begin.error} />}
      <Text size="sm">{t.trash.chosen(ids.length)}</Text>
      <Act needs="operate" size="compact-sm" loading={begin.isPending} onClick={() => askFor(yes)}>
        {name[yes]}
      </Act>
      <Act needs="operate" size="compact-sm" variant="default" loading={begin.isPending} onClick={() => askFor(no)}>
        {name[no]}
      </Act>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Group>
  );
}

function ReasonSearch({ text, look }: { text: string; look: (text: string) => void }) {
  const [draft, setDraft] = useState(text);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        look(draft.trim());
      }}
    >
      <TextInput
        aria-label={t.trash.search}
        placeholder={t.trash.search}
        maw={420}
        maxLength={200}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onBlur={() => draft.trim() !== text && look(draft.trim())}
      />
    </form>
  );
}
