import { Alert, Button, Card, Center, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';

import { api, ask } from '../api/client';
import { t } from '../texts';
import { Failure, Shown } from '../ui/parts';
import type { Who } from '../who';

export function Join({ entered }: { entered: (who: Who) => void }) {
  // The secret is behind the #, which browsers send to nobody.
  const [secret] = useState(() => window.location.hash.slice(1));
  const invited = useQuery({
    queryKey: ['invited'],
    enabled: secret !== '',
    retry: false,
    staleTime: Infinity,
    queryFn: () => ask(api.POST('/api/v1/invitations/look', { body: { secret } })),
  });
  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w="100%" maw={420} padding="lg">
        <Stack>
          <Title order={1} size="h2">
            {t.join.title}
          </Title>
          {secret === '' ? (
            <Alert color="orange">{t.join.noSecret}</Alert>
          ) : (
            <Shown of={invited} rows={2}>
              {(data) => <JoinForm secret={secret} email={data.email} role={data.role} entered={entered} />}
            </Shown>
          )}
        </Stack>
      </Card>
    </Center>
  );
}

function JoinForm({ secret, email, role, entered }: { secret: string; email: string; role: string; entered: (who: Who) => void }) {
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      entered(await ask(api.POST('/api/v1/invitations/accept', { body: { secret, password } })));
    } catch (caught) {
      setError(caught as Error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack>
        <Text size="sm">{t.join.about(email, role)}</Text>
        {error && <Failure error={error} />}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        <PasswordInput
          label={t.signIn.password}
          description={t.setup.length}
          autoComplete="new-password"
          required
          minLength={8}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy}>
          {t.join.submit}
        </Button>
      </Stack>
    </form>
  );
}
