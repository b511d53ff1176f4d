import { Button, Card, Group, PasswordInput, Stack, Table, Text, Title } from '@mantine/core';
import { useState } from 'react';

import { api, ask } from '../api/client';
import { useChange, useSessions } from '../api/queries';
import { t } from '../texts';
import { Failure, Page, Rows, Shown, State, When } from '../ui/parts';
import { useWho } from '../who';

export default function Account() {
  const who = useWho();
  const sessions = useSessions();
  const end = useChange((id: string) => ask(api.DELETE('/api/v1/sessions/{id}', { params: { path: { id } } })), {
    fresh: ['sessions'],
    said: () => t.account.ended,
  });
  return (
    <Page title={t.account.title}>
      <Text>
        {who.name} · {t.users.roles[who.role]}
      </Text>
      <Title order={2} size="h4">
        {t.account.sessions}
      </Title>
      <Shown of={sessions}>
        {(data) => (
          <Rows label={t.account.sessions} head={[t.account.begun, t.account.used, t.account.from, t.account.browser, '']}>
            {data.map((session) => (
              <Table.Tr key={session.id}>
                <Table.Td>
                  <When at={session.created} />
                </Table.Td>
                <Table.Td>
                  <When at={session.used} />
                </Table.Td>
                <Table.Td>{session.address}</Table.Td>
                <Table.Td>
                  <Text size="sm" lineClamp={1} maw={360} title={session.user_agent}>
                    {session.user_agent}
                  </Text>
                </Table.Td>
                <Table.Td>
                  {session.current ? (
                    <State of="finished" text={t.account.current} />
                  ) : (
                    <Button size="compact-sm" variant="default" onClick={() => end.mutate(session.id)}>
                      {t.account.end}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Rows>
        )}
      </Shown>
      <PasswordForm />
    </Page>
  );
}

function PasswordForm() {
  const [old, setOld] = useState('');
  const [fresh, setFresh] = useState('');
  const change = useChange(() => ask(api.PUT('/api/v1/session/password', { body: { old, new: fresh } })), {
    fresh: ['sessions'],
    said: () => t.account.changed,
    done: () => {
      setOld('');
      setFresh('');
    },
  });
  return (
    <Card withBorder maw={460}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate(undefined);
        }}
      >
        <Stack>
          <Title order={2} size="h4">
            {t.account.password}
          </Title>
          {change.error && <Failure error={change.error} />}
          <PasswordInput label={t.account.old} required autoComplete="current-password" value={old} onChange={(e) => setOld(e.currentTarget.value)} />
          <PasswordInput
            label={t.account.new}
            description={t.setup.length}
            required
            minLength={8}
            autoComplete="new-password"
            value={fresh}
            onChange={(e) => setFresh(e.currentTarget.value)}
          />
          <Group>
            <Button type="submit" loading={change.isPending}>
              {t.account.change}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
