def test_stop_before_the_start(shell, capsys):
    shell.run("start", "acme", "--at", "09:00")
    before = shell.path.read_bytes()
    shell.run("stop", "--at", "08:30")
    assert shell.code == 1
    assert "clockbook: " in capsys.readouterr().err
    assert shell.path.read_bytes() == before
    assert shell.run("status") == "acme since 09:00 (5:30)\n"


def test_add_in_the_wrong_order(shell, capsys):
    shell.run("add", "10:00", "09:00", "acme")
    assert shell.code == 1
    assert "clockbook: " in capsys.readouterr().err
    assert shell.lines() == []


def test_times_in_order(shell):
    shell.run("start", "acme", "--at", "09:00")
    shell.run("stop", "--at", "09:30")
    shell.run("add", "10:00", "10:30", "acme")
    assert shell.code == 0
    assert shell.run("report") == "acme   1:00\ntotal  1:00\n"
