import { Alert, Button, Card, Center, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type FormEvent } from 'react';

import { api, ask } from '../api/client';
import { t } from '../texts';
import { Failure } from '../ui/parts';
import type { Who } from '../who';

export function SignIn({ entered }: { entered: (who: Who) => void }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const first = useQuery({ queryKey: ['setup'], queryFn: () => ask(api.GET('/api/v1/setup')) });
  useEffect(() => {
    document.title = `${t.signIn.title} · ${t.app}`;
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      entered(await ask(api.POST('/api/v1/session', { body: { email, password } })));
    } catch (caught) {
      setError(caught as Error);
      setBusy(false);
    }
  };

  return (
    <Center mih="100vh" p="md" component="main">
      <Card withBorder w="100%" maw={400} padding="lg">
        <form onSubmit={(event) => void submit(event)}>
          <Stack>
            <Title order={1} size="h2">
              {t.signIn.title}
            </Title>
            {first.data?.needed && <Alert color="blue">{t.signIn.none}</Alert>}
            {error && <Failure error={error} />}
            <TextInput
              label={t.signIn.email}
              type="email"
              autoComplete="username"
              required
              autoFocus
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label={t.signIn.password}
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
            />
            <Button type="submit" loading={busy}>
              {t.signIn.submit}
            </Button>
            <Text size="xs" c="dimmed">
              {t.signIn.forgot}
            </Text>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}
