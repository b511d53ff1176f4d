// One message that waits for a person: why, with what, and what to do about it.
import { Alert, Button, Code, Group, Select, SimpleGrid, Stack, Table, Text, Textarea } from '@mantine/core';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useChange, usePlacedOne, useProcess } from '../api/queries';
import { jsonFault, pretty } from '../lib/recent';
import { instant } from '../lib/time';
import { t } from '../texts';
import { useMay } from '../who';
import { Edits } from './Edits';
import { Act, Confirm, Fact, Id, Shown, type Question } from './parts';

type Place = 'trash' | 'tasks';
type Placed = Schemas['PlacedDetailOut'];

export function PlacedEditor({ place, id, close }: { place: Place; id: string; close: () => void }) {
  const found = usePlacedOne(place, id);
  return (
    <Shown of={found} rows={8}>
      {(data) => <Editor place={place} message={data} close={close} />}
    </Shown>
  );
}

function Editor({ place, message, close }: { place: Place; message: Placed; close: () => void }) {
  const may = useMay('operate');
  const [body, setBody] = useState(message.body);
  const [to, setTo] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const changed = body !== message.body;
  const isText = message.encoding === 'utf-8';
  const fault = isText ? jsonFault(body) : null;
  const acts = useActs(place, message, close);
  // What was not changed is not sent, so that nobody's edit is undone by an old page.
  const correction = { encoding: message.encoding, ...(changed ? { body } : {}) };
  const version = to === null ? {} : { version: Number(to) };

  return (
    <Stack>
      {message.reason && (
        <Alert color="red" title={message.reason_code ?? undefined}>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {message.reason}
          </Text>
        </Alert>
      )}
      <Facts of={message} />
      <Textarea
        label={t.trash.edit}
        description={isText ? undefined : t.trash.binary}
        value={body}
        onChange={(event) => setBody(event.currentTarget.value)}
        autosize
        minRows={6}
        maxRows={22}
        spellCheck={false}
        readOnly={!may}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
      />
      {fault !== null && (
        <Text size="sm" role="status">
          {t.trash.badJson} {fault}
        </Text>
      )}
      <Group gap="xs">
        <Button size="compact-sm" variant="default" onClick={() => setBody(pretty(body))} disabled={fault !== null || !may}>
          {t.trash.format}
        </Button>
        <Button size="compact-sm" variant="default" onClick={() => setBody(message.body)} disabled={!changed}>
          {t.trash.reset}
        </Button>
      </Group>
      {changed && isText && <Edits before={message.body} after={body} />}
      <Headers of={message.headers} />
      {place === 'trash' && <OtherVersion message={message} value={to} choose={setTo} />}
      <Group>
        {place === 'trash' ? (
          <>
            <Act needs="operate" loading={acts.resend.isPending} onClick={() => acts.resend.mutate({ ...correction, ...version })}>
              {changed ? t.trash.saveResend : t.trash.resend}
            </Act>
            <Act needs="operate" variant="default" disabled={!changed} loading={acts.save.isPending} onClick={() => acts.save.mutate(correction)}>
              {t.trash.save}
            </Act>
          </>
        ) : (
          <Act needs="operate" loading={acts.accept.isPending} onClick={() => acts.accept.mutate(correction)}>
            {t.tasks.accept}
          </Act>
        )}
        <Act
          needs="operate"
          variant="light"
          color="red"
          loading={acts.drop.isPending}
          onClick={() =>
            setQuestion({
              title: place === 'trash' ? t.trash.discard : t.tasks.reject,
              text: place === 'trash' ? t.trash.discardOne : t.tasks.rejectAsk,
              yes: place === 'trash' ? t.trash.discard : t.tasks.reject,
              danger: true,
              act: () => acts.drop.mutate(undefined),
            })
          }
        >
          {place === 'trash' ? t.trash.discard : t.tasks.reject}
        </Act>
      </Group>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}

function useActs(place: Place, message: Placed, close: () => void) {
  const params = { path: { id: message.id } };
  const fresh = [place, 'placed', 'instances', 'instance', 'queues', 'processes'];
  const save = useChange((body: Schemas['CorrectionIn']) => ask(api.PUT('/api/v1/trash/{id}', { params, body })), {
    fresh,
    said: () => t.trash.saved,
    done: close,
  });
  const resend = useChange((body: Schemas['ResendIn']) => ask(api.POST('/api/v1/trash/{id}/resend', { params, body })), {
    fresh,
    said: () => t.trash.resent,
    done: close,
  });
  const accept = useChange((body: Schemas['CorrectionIn']) => ask(api.POST('/api/v1/tasks/{id}/accept', { params, body })), {
    fresh,
    said: () => t.tasks.accepted,
    done: close,
  });
  const drop = useChange(
    () =>
      ask(
        place === 'trash'
          ? api.POST('/api/v1/trash/{id}/discard', { params })
          : api.POST('/api/v1/tasks/{id}/reject', { params }),
      ),
    { fresh, said: () => (place === 'trash' ? t.trash.discarded : t.tasks.rejected), done: close },
  );
  return { save, resend, accept, drop };
}

function Facts({ of }: { of: Placed }) {
  return (
    <SimpleGrid cols={2} spacing="xs">
      <Fact name={t.instances.process}>
        {of.process} v{of.version}
      </Fact>
      <Fact name={t.trash.node}>{of.node_name}</Fact>
      <Fact name={t.trash.entered}>{instant(of.since)}</Fact>
      <Fact name={t.instances.id}>
        <Id value={of.instance} to={`/instance/${of.instance}`} />
      </Fact>
      <Fact name={t.trash.repeats}>{of.repeats}</Fact>
      <Fact name={t.trash.size}>{t.trash.bytes(of.size)}</Fact>
    </SimpleGrid>
  );
}

function Headers({ of }: { of: Record<string, string> }) {
  const entries = Object.entries(of);
  return (
    <div>
      <Text size="sm" fw={500}>
        {t.trash.headers}
      </Text>
      {entries.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t.trash.noHeaders}
        </Text>
      ) : (
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {entries.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th>{name}</Table.Th>
                <Table.Td>
                  <Code style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{value}</Code>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </div>
  );
}

function OtherVersion({ message, value, choose }: { message: Placed; value: string | null; choose: (to: string | null) => void }) {
  const process = useProcess(message.process);
  const others = (process.data?.versions ?? []).filter(
    (version) => version.version !== message.version && (version.state === 'enabled' || version.state === 'disabled'),
  );
  if (others.length === 0) return null;
  return (
    <Select
      label={t.trash.to}
      placeholder={t.trash.sameVersion}
      clearable
      value={value}
      onChange={choose}
      data={others.map((each) => ({ value: String(each.version), label: `v${each.version} ${t.state[each.state]}` }))}
    />
  );
}
