import { Alert, Button, Group, Modal, MultiSelect, NumberInput, PasswordInput, SegmentedControl, Select, Stack, Switch, Table, Tabs, Text, Textarea, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useNotices, useRules, useSenders } from '../api/outside';
import { useChange, useProcesses } from '../api/queries';
import { KINDS } from '../live/events';
import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Act, Confirm, Empty, Failure, More, Page, Rows, Shown, State, TabLine, When, type Question } from '../ui/parts';

type Sender = Schemas['SenderOut'];
type Rule = Schemas['RuleOut'];
const TABS = ['log', 'rules', 'senders'] as const;
const COLOUR: Record<string, string> = { delivered: 'finished', 'given-up': 'failed', pending: 'running', gathering: 'draft' };

export default function Notices() {
  const [wanted, setTab] = useParameter('tab');
  const tab = TABS.find((each) => each === wanted) ?? 'log';
  return (
    <Page title={t.notices.title}>
      <Tabs value={tab} onChange={(value) => setTab(value === 'log' ? null : value)} keepMounted={false}>
        <TabLine chosen={tab}>
          {TABS.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t.notices.tabs[each]}
            </Tabs.Tab>
          ))}
        </TabLine>
        <Tabs.Panel value="log" pt="md">
          <Log />
        </Tabs.Panel>
        <Tabs.Panel value="rules" pt="md">
          <Rules />
        </Tabs.Panel>
        <Tabs.Panel value="senders" pt="md">
          <Senders />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Log() {
  const [state, setState] = useParameter('state');
  const chosen = (['gathering', 'pending', 'delivered', 'given-up'] as const).find((each) => each === state);
  const found = useNotices({ state: chosen });
  const resend = useChange((key: string) => ask(api.POST('/api/v1/notices/{key}/resend', { params: { path: { key } } })), {
    fresh: ['notices'],
    said: () => t.notices.resent,
  });
  return (
    <Stack>
      <Group>
        <Select
          label={t.notices.state}
          placeholder={t.all}
          clearable
          w={170}
          value={chosen ?? null}
          onChange={(value) => setState(value)}
          data={Object.entries(t.notices.states).map(([value, label]) => ({ value, label }))}
        />
      </Group>
      <Shown of={found}>
        {(data) => {
          const items = data.pages.flatMap((page) => page.items);
          if (items.length === 0) return <Empty title={t.notices.empty} about={t.notices.emptyAbout} />;
          return (
            <>
              <Rows label={t.notices.tabs.log} head={[t.notices.at, t.notices.what, t.notices.sender, t.notices.state, t.notices.count, t.notices.attempts, t.notices.error, '']}>
                {items.map((one) => (
                  <Table.Tr key={one.key}>
                    <Table.Td>
                      <When at={one.last_at} />
                    </Table.Td>
                    <Table.Td>
                      {one.title}
                      <Text size="xs" c="dimmed">
                        {one.rule_name}
                      </Text>
                    </Table.Td>
                    <Table.Td>{one.sender}</Table.Td>
                    <Table.Td>
                      <State of={COLOUR[one.state] ?? one.state} text={t.notices.states[one.state] ?? one.state} />
                    </Table.Td>
                    <Table.Td>{one.count}</Table.Td>
                    <Table.Td>{one.attempts}</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.error ?? '–'}</Table.Td>
                    <Table.Td>
                      {(one.state === 'delivered' || one.state === 'given-up') && (
                        <Act needs="operate" size="compact-sm" variant="default" loading={resend.isPending} onClick={() => resend.mutate(one.key)}>
                          {t.notices.resend}
                        </Act>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
              <More query={found} />
            </>
          );
        }}
      </Shown>
    </Stack>
  );
}

function Rules() {
  const rules = useRules();
  const [making, setMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const remove = useChange((rule: Rule) => ask(api.DELETE('/api/v1/notice-rules/{id}', { params: { path: { id: rule.id } } })), {
    fresh: ['notice-rules'],
    said: () => t.notices.removed,
  });
  const turn = useChange(
    ({ id, created, ...rule }: Rule) => {
      void created;
      return ask(api.PUT('/api/v1/notice-rules/{id}', { params: { path: { id } }, body: { ...rule, enabled: !rule.enabled } }));
    },
    { fresh: ['notice-rules'] },
  );
  return (
    <Stack>
      <Group justify="flex-end">
        <Act needs="admin" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
          {t.notices.newRule}
        </Act>
      </Group>
      <Shown of={rules}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.notices.noRules} about={t.notices.noRulesAbout} />
          ) : (
            <Rows label={t.notices.tabs.rules} head={[t.notices.name, t.notices.events, t.notices.process, t.notices.sender, t.notices.on, '']}>
              {data.map((rule) => (
                <Table.Tr key={rule.id}>
                  <Table.Td>{rule.name}</Table.Td>
                  <Table.Td>{rule.events.join(', ')}</Table.Td>
                  <Table.Td>{rule.process ?? rule.folder ?? t.notices.allProcesses}</Table.Td>
                  <Table.Td>{rule.sender}</Table.Td>
                  <Table.Td>
                    <Switch aria-label={`${t.notices.on} ${rule.name}`} checked={rule.enabled} onChange={() => turn.mutate(rule)} />
                  </Table.Td>
                  <Table.Td>
                    <Act
                      needs="admin"
                      size="compact-sm"
                      variant="default"
                      onClick={() =>
                        setQuestion({ title: t.remove, text: t.notices.removeRule(rule.name), yes: t.remove, danger: true, act: () => remove.mutate(rule) })
                      }
                    >
                      {t.remove}
                    </Act>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Modal opened={making} onClose={() => setMaking(false)} title={t.notices.newRule} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
        <RuleForm close={() => setMaking(false)} />
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}

function RuleForm({ close }: { close: () => void }) {
  const senders = useSenders();
  const processes = useProcesses();
  const [name, setName] = useState('');
  const [events, setEvents] = useState<string[]>(['message-in-trash']);
  const [sender, setSender] = useState<string | null>(null);
  const [process, setProcess] = useState<string | null>(null);
  const [group, setGroup] = useState<number | string>(60);
  const [repeat, setRepeat] = useState<number | string>(0);
  const make = useChange(
    () =>
      ask(
        api.POST('/api/v1/notice-rules', {
          body: { name: name.trim(), events, sender: sender ?? '', process, enabled: true, group_by: 'cause', group_s: Number(group) || 0, repeat_s: Number(repeat) || 0 },
        }),
      ),
    { fresh: ['notice-rules'], said: () => t.notices.saved, done: close },
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate(undefined);
      }}
    >
      <Stack>
        {make.error && <Failure error={make.error} />}
        <TextInput label={t.notices.name} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <MultiSelect label={t.notices.events} required searchable value={events} onChange={setEvents} data={KINDS} />
        <Select label={t.notices.sender} required value={sender} onChange={setSender} data={(senders.data ?? []).map((each) => each.name)} />
        <Select label={t.notices.process} placeholder={t.notices.allProcesses} clearable searchable limit={100} value={process} onChange={setProcess} data={(processes.data ?? []).map((each) => each.name)} />
        <Group grow>
          <NumberInput label={t.notices.group} description={t.notices.groupAbout} min={0} max={86_400} value={group} onChange={setGroup} />
          <NumberInput label={t.notices.repeat} description=" " min={0} max={86_400} value={repeat} onChange={setRepeat} />
        </Group>
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending} disabled={!sender || events.length === 0}>
            {t.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Senders() {
  const senders = useSenders();
  const [making, setMaking] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);
  const [tested, setTested] = useState<{ name: string; ok: boolean; text: string } | null>(null);
  const remove = useChange((name: string) => ask(api.DELETE('/api/v1/senders/{name}', { params: { path: { name } } })), {
    fresh: ['senders'],
    said: () => t.notices.removed,
  });
  const test = useChange((name: string) => ask(api.POST('/api/v1/senders/{name}/test', { params: { path: { name } } })), {
    fresh: ['senders'],
    done: (result, name) => setTested({ name, ok: result.ok, text: result.ok ? t.notices.testOk(result.took_ms) : (result.problem ?? '') }),
  });
  return (
    <Stack>
      <Group justify="flex-end">
        <Act needs="admin" leftSection={<IconPlus size={16} />} onClick={() => setMaking(true)}>
          {t.notices.newSender}
        </Act>
      </Group>
      {tested && (
        <Alert color={tested.ok ? 'teal' : 'red'} title={tested.name} withCloseButton closeButtonLabel={t.close} onClose={() => setTested(null)} role="status">
          {tested.text}
        </Alert>
      )}
      <Shown of={senders}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.notices.noSenders} about={t.notices.noSendersAbout} />
          ) : (
            <Rows label={t.notices.tabs.senders} head={[t.notices.name, t.notices.kind, t.notices.to, t.notices.last, t.notices.error, '']}>
              {data.map((each) => (
                <SenderRow
                  key={each.name}
                  of={each}
                  test={() => test.mutate(each.name)}
                  testing={test.isPending}
                  remove={() =>
                    setQuestion({ title: t.remove, text: t.notices.removeSender(each.name), yes: t.remove, danger: true, act: () => remove.mutate(each.name) })
                  }
                />
              ))}
            </Rows>
          )
        }
      </Shown>
      <Modal opened={making} onClose={() => setMaking(false)} title={t.notices.newSender} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
        <SenderForm close={() => setMaking(false)} />
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Stack>
  );
}

function SenderRow({ of, test, testing, remove }: { of: Sender; test: () => void; testing: boolean; remove: () => void }) {
  const { url, host, to } = of.settings as { url?: string; host?: string; to?: string[] };
  return (
    <Table.Tr>
      <Table.Td>{of.name}</Table.Td>
      <Table.Td>{t.notices.kinds[of.kind]}</Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{to ? to.join(', ') : (url ?? host)}</Table.Td>
      <Table.Td>
        <When at={of.delivered_at} />
      </Table.Td>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{of.failures > 0 ? of.error : '–'}</Table.Td>
      <Table.Td>
        <Group gap="xs" wrap="nowrap">
          <Act needs="admin" size="compact-sm" variant="default" loading={testing} onClick={test}>
            {t.notices.test}
          </Act>
          <Act needs="admin" size="compact-sm" variant="default" onClick={remove}>
            {t.remove}
          </Act>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function SenderForm({ close }: { close: () => void }) {
  const [kind, setKind] = useState<'url' | 'email' | 'amqp'>('url');
  const [name, setName] = useState('');
  const [values, setValues] = useState<Record<string, string>>({});
  const put = (key: string) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setValues((old) => ({ ...old, [key]: value }));
  };
  const text = (key: string) => values[key]?.trim() ?? '';
  const make = useChange(() => ask(api.POST('/api/v1/senders', { body: { name: name.trim(), settings: settingsOf(kind, text) } })), {
    fresh: ['senders'],
    said: () => t.notices.saved,
    done: close,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate(undefined);
      }}
    >
      <Stack>
        {make.error && <Failure error={make.error} />}
        <SegmentedControl
          aria-label={t.notices.kind}
          value={kind}
          onChange={(value) => setKind(value as typeof kind)}
          data={Object.entries(t.notices.kinds).map(([value, label]) => ({ value, label }))}
        />
        <TextInput label={t.notices.name} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
        {kind === 'url' && (
          <>
            <TextInput label={t.notices.url} type="url" required value={values.url ?? ''} onChange={put('url')} />
            <PasswordInput label={t.notices.secret} autoComplete="new-password" value={values.secret ?? ''} onChange={put('secret')} />
          </>
        )}
        {kind !== 'url' && <TextInput label={t.notices.host} required value={values.host ?? ''} onChange={put('host')} />}
        {kind === 'email' && (
          <>
            <TextInput label={t.notices.from} required value={values.sender ?? ''} onChange={put('sender')} />
            <Textarea label={t.notices.to} description={t.notices.toAbout} required autosize minRows={2} value={values.to ?? ''} onChange={put('to')} />
          </>
        )}
        {kind === 'amqp' && <TextInput label={t.notices.exchange} value={values.exchange ?? ''} onChange={put('exchange')} />}
        {kind !== 'url' && (
          <>
            <TextInput label={t.notices.username} autoComplete="off" value={values.username ?? ''} onChange={put('username')} />
            <PasswordInput label={t.notices.password} autoComplete="new-password" value={values.password ?? ''} onChange={put('password')} />
          </>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending}>
            {t.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function settingsOf(kind: 'url' | 'email' | 'amqp', text: (key: string) => string): Schemas['SenderIn']['settings'] {
  const login = { ...(text('username') ? { username: text('username') } : {}), ...(text('password') ? { password: text('password') } : {}) };
  if (kind === 'url') return { kind, url: text('url'), ...(text('secret') ? { secret: text('secret') } : {}) } as Schemas['UrlSettingsIn'];
  if (kind === 'amqp') return { kind, host: text('host'), exchange: text('exchange'), ...login } as Schemas['AmqpSettingsIn'];
  const to = text('to').split(/[\s,;]+/).filter(Boolean);
  return { kind, host: text('host'), sender: text('sender'), to, ...login } as Schemas['EmailSettingsIn'];
}
