package pool

import (
	"os/exec"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A system is what differs between operating systems. Here it has a job object: when
// its last handle is closed, which the system does for a program that dies, all
// processes in it end.
type system struct {
	once sync.Once
	job  windows.Handle
}

func (s *system) prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	s.once.Do(func() {
		job, err := windows.CreateJobObject(nil, nil)
		if err != nil {
			return
		}
		var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
		info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
		if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
			uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
			_ = windows.CloseHandle(job)
			return
		}
		s.job = job
	})
}

// run starts the process, says so, and returns when it has ended. It returns an
// error where it could not start, or could not be put into the job.
func (s *system) run(cmd *exec.Cmd, started chan<- error) error {
	err := cmd.Start()
	if err == nil {
		if err = s.adopt(cmd.Process.Pid); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	started <- err
	if err != nil {
		return err
	}
	_ = cmd.Wait() // ProcessState has it
	return nil
}

func (s *system) adopt(pid int) error {
	if s.job == 0 {
		return nil // no job could be had; the servers run all the same
	}
	process, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(process) }()
	return windows.AssignProcessToJobObject(s.job, process)
}

// terminate sends Ctrl+Break, which a Go program takes for an interrupt.
func (*system) terminate(cmd *exec.Cmd) error {
	return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid))
}

func (*system) kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func (s *system) close() {
	if s.job != 0 {
		_ = windows.CloseHandle(s.job)
		s.job = 0
	}
}
